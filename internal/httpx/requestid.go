package httpx

import "math/rand/v2"

// RequestIDHeader is the header that every answer carries. Its value names the
// request in the log. An HTTP/1 answer with an error status and without it was
// not written by us; see [Listener].
const RequestIDHeader = "Rollcall-Request-Id"

// requestIDLen is the length of a request id in base32 characters, five bits
// each: at 80 bits, a repetition within 10^10 requests has a chance of one in
// twenty thousand.
const requestIDLen = 16

// newRequestID returns a random id of A–Z and 2–7. It need not be secret, so it
// comes from the generator of the runtime, which takes no system call.
func newRequestID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	var id [requestIDLen]byte
	a, b := rand.Uint64(), rand.Uint64() // of each, 40 bits are used
	for i := range requestIDLen / 2 {
		id[i], id[i+requestIDLen/2] = letters[a%32], letters[b%32]
		a, b = a/32, b/32
	}
	return string(id[:])
}
