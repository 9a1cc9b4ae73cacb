// Package link serves the links of devices: WebSockets at /link, each of which is a login
// session while it is open (docs/links.md). Package linkwire has their frames, package session
// the rules of login sessions.
//
// A link has one goroutine, which reads. At first it is that of the HTTP handler, whose stack has
// grown already; it logs in the device. Then it is a small one. Every later frame has a goroutine
// while it is written, and a ping until its answer arrives. Only the first end of a link counts;
// it decides what is stored of it.
package link
