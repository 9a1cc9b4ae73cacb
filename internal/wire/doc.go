// Package wire describes the vendor's protocol: one request and one response
// struct for each command, and the table of error codes. It encodes and
// decodes; it decides nothing.
//
// Sources: shared facts of the protocol (protocol.md) and what was settled
// where they are silent (decisions.md).
package wire
