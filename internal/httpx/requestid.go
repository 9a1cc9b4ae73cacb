package httpx

import "crypto/rand"

// RequestIDHeader is the header that every answer carries. Its value names the
// request in the log. An HTTP/1 answer with an error status and without it was
// not written by us; see [Listener].
const RequestIDHeader = "Rollcall-Request-Id"

// requestIDLen is the length of a request id in base32 characters, five bits
// each: at 80 bits, a repetition within 10^10 requests has a chance of one in
// twenty thousand.
const requestIDLen = 16

// newRequestID returns a random id of A–Z and 2–7.
func newRequestID() string { return rand.Text()[:requestIDLen] }
