package redislimit

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"rollcall/internal/ratelimit"
)

// script counts ARGV[1] calls in the second of Redis's clock: in the counter KEYS[1] of a
// command with the limit ARGV[2], and in the counter KEYS[2] of its app if that has the
// ceiling ARGV[3]. Calls over the limit are not counted for the app. It returns both totals,
// and the time as seconds and microseconds.
//
// The name of a counter ends with its second. In a cluster of Redis, both are in the slot of
// the app, which is the part in braces.
const script = `
local now = redis.call('TIME')
local n, limit, ceiling = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function count(key)
  key = key .. now[1]
  local total = redis.call('INCRBY', key, n)
  if total == n then redis.call('PEXPIRE', key, 2000) end
  return total
end
local command, app = 0, 0
if limit > 0 then
  command = count(KEYS[1])
  n = n - math.min(math.max(command - limit, 0), n)
end
if ceiling > 0 and n > 0 then app = count(KEYS[2]) end
return {command, app, tonumber(now[1]), tonumber(now[2])}
`

// scriptSHA names the script in Redis.
var scriptSHA = func() string {
	sum := sha1.Sum([]byte(script))
	return hex.EncodeToString(sum[:])
}()

// keyPrefix begins the names of all counters.
const keyPrefix = "rollcall:rate:"

// A scriptCall counts n calls.
type scriptCall struct {
	ratelimit.Call
	n int
}

// probeCall counts for app 0, which does not exist.
var probeCall = scriptCall{ratelimit.Call{Limit: 1}, 1}

func (s *scriptCall) keys() []string {
	app := keyPrefix + "{" + strconv.FormatUint(uint64(s.App), 10) + "}:"
	return []string{app + s.Command + ":", app + ":"}
}

func (s *scriptCall) args() []string {
	return []string{strconv.Itoa(s.n), strconv.Itoa(max(s.Limit, 0)), strconv.Itoa(max(s.Ceiling, 0))}
}

// run runs scripts in one round trip, or in two if Redis does not have the script yet, and
// returns the reply or the error of each.
func run(ctx context.Context, client rueidis.Client, scripts []scriptCall) ([]reply, []error) {
	replies, errs := make([]reply, len(scripts)), make([]error, len(scripts))
	send := func(which []int, command func(*scriptCall) rueidis.Completed) (unknown []int) {
		commands := make([]rueidis.Completed, len(which))
		for j, i := range which {
			commands[j] = command(&scripts[i])
		}
		for j, r := range client.DoMulti(ctx, commands...) {
			i := which[j]
			replies[i], errs[i] = parse(r)
			if err, ok := rueidis.IsRedisErr(errs[i]); ok && err.IsNoScript() {
				unknown = append(unknown, i)
			}
		}
		return unknown
	}
	all := make([]int, len(scripts))
	for i := range all {
		all[i] = i
	}
	unknown := send(all, func(s *scriptCall) rueidis.Completed {
		return client.B().Evalsha().Sha1(scriptSHA).Numkeys(2).Key(s.keys()...).Arg(s.args()...).Build()
	})
	if len(unknown) > 0 {
		send(unknown, func(s *scriptCall) rueidis.Completed {
			return client.B().Eval().Script(script).Numkeys(2).Key(s.keys()...).Arg(s.args()...).Build()
		})
	}
	return replies, errs
}

// parse reads the reply of the script.
func parse(r rueidis.RedisResult) (reply, error) {
	n, err := r.AsIntSlice()
	if err != nil {
		return reply{}, err
	}
	if len(n) != 4 {
		return reply{}, errReply
	}
	return reply{n[0], n[1], time.Unix(n[2], n[3]*int64(time.Microsecond))}, nil
}
