package api

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/wire"
)

// TestEveryCommandIsServed compares the handlers with the table of commands.
func TestEveryCommandIsServed(t *testing.T) {
	s := new(Server)
	commands, handlers := slices.Sorted(slices.Values(wire.CommandNames())), slices.Sorted(maps.Keys(s.handlers()))
	if diff := cmp.Diff(commands, handlers); diff != "" {
		t.Errorf("handlers (+) and wire.Commands (-):\n%s", diff)
	}
	for path, e := range s.routes() {
		if e.service >= numServices {
			t.Errorf("%s: the service has no codes", path)
		}
	}
}
