// Package httpx is the plumbing between [net/http] and our services. It knows
// nothing of accounts or of the wire.
//
//   - [Handler] turns a function that returns an error into an [http.Handler],
//     survives its panics and logs one event for each request.
//   - [ReadBody] reads a bounded body into a pooled buffer.
//   - [InFlight] bounds the requests served at once.
//   - [ConnLimit] bounds the connections open at once, and says which gives way.
//   - [Listener] replaces the answers that net/http gives by itself to requests
//     it cannot parse, which no handler ever sees, and ends a server in good order.
//   - [Stream], [Extend] and [Ending] are for responses that last, and for
//     connections that handlers take over.
package httpx
