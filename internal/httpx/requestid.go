package httpx

import "math/rand/v2"

// RequestIDHeader is the header of every response. Its value identifies the
// request in the log. An HTTP/1 response with an error status and without this
// header was written by net/http; see [Listener].
const RequestIDHeader = "Rollcall-Request-Id"

// requestIDLen is the length of a request id in base32 characters of five bits
// each. With 80 bits, the probability of a duplicate among 10^10 requests is
// one in twenty thousand.
const requestIDLen = 16

// newRequestID returns a random id of A–Z and 2–7. It need not be secret, so it
// uses the generator of the runtime, which makes no system call.
func newRequestID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	var id [requestIDLen]byte
	a, b := rand.Uint64(), rand.Uint64() // 40 bits of each are used
	for i := range requestIDLen / 2 {
		id[i], id[i+requestIDLen/2] = letters[a%32], letters[b%32]
		a, b = a/32, b/32
	}
	return string(id[:])
}
