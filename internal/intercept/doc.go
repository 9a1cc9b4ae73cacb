// Package intercept lets unmodified clients of the vendor reach a server of Rollcall.
// Such clients have the vendor's host as a constant and force TLS.
//
// It has two parts:
//   - [Authority] is a local CA, which is limited to the vendor's names and to this
//     machine.
//   - [Proxy] takes the requests of clients in every form that they use for a proxy or
//     for the vendor's host, and passes them on to a server.
package intercept
