// Package httpx adds to [net/http] what a server of Rollcall needs. It knows
// neither accounts nor the wire.
//   - [Handler] converts a function that returns an error to an [http.Handler].
//     It recovers panics and logs one event for each request.
//   - [ReadBody] reads a body of limited length into a pooled buffer.
//   - [InFlight] limits the concurrent requests.
//   - [ConnLimit] limits the open connections, and closes waiting ones if the
//     limit is reached.
//   - [Listener] replaces the responses that net/http sends by itself to
//     requests that it cannot parse, and shuts a server down in order.
//   - [Stream], [Extend] and [Ending] are for responses that last long and for
//     connections that handlers take over.
//
// A newcomer can skip whole.go, which is for speed.
package httpx
