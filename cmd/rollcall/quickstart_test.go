package main

import "testing"

// TestQuickstart plays docs/quickstart.md.
func TestQuickstart(t *testing.T) {
	played := play(t, "quickstart.md")
	if played["console"] < 8 || played["go"] != 1 {
		t.Errorf("blocks by language: %v; the tour should have at least 8 of console and one of go", played)
	}
}
