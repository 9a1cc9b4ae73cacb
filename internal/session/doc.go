// Package session has the rules of login sessions: which devices of an account are logged in,
// which of them are online, which one gives way to another, and what is reported of it
// (protocol-sessions.md §1, §2). A login session is that of one device, from its login to its
// logout.
//
// The rules are functions of a [records.Presence], the settings of the app, and the time by
// the clock of the app. So 400 seconds and 7 days pass in no time in a test. A read applies
// what has come due to a copy, and writes nothing. [Sessions.Sweep] writes and reports it.
package session
