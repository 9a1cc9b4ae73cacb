// Package link serves the links of devices: WebSockets at /link, each of which is a login
// session while it is open (docs/links.md). Package linkwire has their frames, package session
// the rules of login sessions.
//
// A link has two goroutines. The one that follows its HTTP handler logs in the device and reads. The
// other one writes, and closes the link at its end. Only the first end of a link counts; it
// decides what is stored of it.
package link
