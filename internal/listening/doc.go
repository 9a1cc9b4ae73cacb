// Package listening receives webhooks and says what came: what happened, whether the
// signatures are right, and why not. It can forward them. It is for people who set up
// webhooks, and for tests of senders; package webhook has a handler for receivers.
package listening
