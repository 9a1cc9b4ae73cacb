// Package wire defines the vendor's protocol: a request and a response struct
// for each command, and the table of error codes. It encodes and decodes. It
// makes no decisions about accounts.
//
// The sources are the facts of the protocol (protocol.md) and the decisions on
// what those leave open (decisions.md). A newcomer can skip two groups of
// files:
//   - append.go, decoder.go and scanner.go repeat Encode and Decode for the
//     busiest commands without allocating.
//   - diagnose*.go, mismatch.go, params.go, path.go and shapes.go explain to a
//     caller why a request was refused.
package wire
