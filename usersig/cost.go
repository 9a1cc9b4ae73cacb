package usersig

import "time"

// Limits of the keys that [Explain] compares a wrong signature with.
const (
	maxDiagnosed = 4                     // number of keys, from the newest on
	maxCost      = 10 * time.Millisecond // total cost, if it is more than one key
)

// Costs of a comparison, rounded up from measurements on one core of a server.
// Go has fast code only for P-256.
const leastCost = 250 * time.Microsecond // of an HMAC key, or of a text that cannot be read

var curveCosts = map[string]time.Duration{
	"P-256":     1 * time.Millisecond,
	"secp256k1": 2 * time.Millisecond,
	"P-224":     3 * time.Millisecond,
	"P-384":     12 * time.Millisecond,
	"P-521":     55 * time.Millisecond,
}

// ExplainCost returns about how long [Explain] computes at most on one core, if
// the signature is wrong or if text cannot be read. The result is between 250
// microseconds and 55 milliseconds, plus a tenth of the cost of a key for each
// key that is not compared. It is an estimate from the kinds of the keys and
// the same on every machine. A server that explains refusals to anyone should
// limit the sum.
func ExplainCost(text string, r Request) time.Duration {
	s, err := Parse(text)
	if err != nil {
		return leastCost
	}
	keys := fitting(s, r.Keys)
	compared := newest(keys)
	var sum time.Duration
	for _, k := range compared {
		sum += k.cost()
	}
	for _, k := range keys[:len(keys)-len(compared)] {
		sum += k.cost() / 10 // verifies once only
	}
	return max(sum, leastCost)
}

// newest returns the keys that a wrong signature is compared with: the last of
// keys, and as many before it as the limits allow. A server has its keys in the
// order of their age.
func newest(keys []Key) []Key {
	first, sum := len(keys), time.Duration(0)
	for first > 0 && len(keys)-first < maxDiagnosed {
		sum += keys[first-1].cost()
		if sum > maxCost && first < len(keys) {
			break
		}
		first--
	}
	return keys[first:]
}

func (k Key) cost() time.Duration {
	if k.ec == nil {
		return leastCost
	}
	return curveCosts[k.ec.curve()]
}
