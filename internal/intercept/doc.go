// Package intercept lets unmodified clients of the vendor reach a server of Rollcall.
// Such clients have the vendor's host as a constant and force TLS.
//
// It creates the certificates of a local CA, which is limited to the vendor's names and
// to this machine.
package intercept
