package main

import "testing"

// TestPresence plays docs/presence.md.
func TestPresence(t *testing.T) {
	needTestkit(t) // and the vendor's signer
	played := play(t, "presence.md")
	if played["console"] < 10 || played["go"] != 2 || played["js"] != 1 {
		t.Errorf("blocks by language: %v; the page should have at least 10 of console, 2 of go and one of js", played)
	}
}
