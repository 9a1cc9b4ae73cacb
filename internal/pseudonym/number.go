package pseudonym

import (
	"math"
	"math/big"
	"strings"
)

// bounds are the numbers from which on a number no longer fits a type. Services treat the
// numbers on their two sides differently.
var bounds = []*big.Int{
	big.NewInt(1 << 31), big.NewInt(1 << 32), big.NewInt(1 << 53), new(big.Int).SetUint64(1 << 63),
	new(big.Int).Add(new(big.Int).SetUint64(math.MaxUint64), big.NewInt(1)),
}

// longest is the number of digits of the largest bound.
const longest = 20

// Number returns the pseudonym of a number in JSON. Its sign, its length, the place of a
// fraction and its exponent stay, and it fits the same integer types.
func (k *Key) Number(s string) string {
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i:]
	}
	if lo, n, hi, ok := typesOf(strings.TrimPrefix(mantissa, "-")); ok {
		sign := mantissa[:len(mantissa)-len(strings.TrimPrefix(mantissa, "-"))]
		return sign + k.integer(n, lo, hi).String() + exponent
	}
	return k.digits(mantissa) + exponent
}

// typesOf parses an integer without a sign. It returns the range, from lo to before hi, of
// the integers that have as many digits and fit the same types. It reports false for 0 and
// for what is no integer in JSON or is longer than every bound.
func typesOf(s string) (lo, n, hi *big.Int, ok bool) {
	n, ok = new(big.Int).SetString(s, 10)
	if !ok || len(s) > longest || s[0] < '1' || '9' < s[0] {
		return nil, nil, nil, false
	}
	ten := big.NewInt(10)
	lo = new(big.Int).Exp(ten, big.NewInt(int64(len(s)-1)), nil)
	hi = new(big.Int).Mul(lo, ten)
	for _, b := range bounds {
		switch {
		case b.Cmp(n) <= 0 && b.Cmp(lo) > 0:
			lo = b
		case b.Cmp(n) > 0 && b.Cmp(hi) < 0:
			hi = b
		}
	}
	return lo, n, hi, true
}

// digits replaces the digits of s. A first digit other than 0 does not become 0.
func (k *Key) digits(s string) string {
	p := &parts{word: word{form: []byte("number")}}
	first := true
	for _, r := range s {
		switch digit := '0' <= r && r <= '9'; {
		case digit && first && r != '0':
			p.addKind(r, firstDigit)
		case digit && !first:
			p.addKind(r, digits)
		default:
			p.addKind(r, nil)
		}
		first = first && (r < '0' || '9' < r)
	}
	k.replace(&p.word)
	return p.text()
}
