package api

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

// An app may set a rate for each command there is, and for no other.
func TestRoutesAreTheCommands(t *testing.T) {
	var names []string
	for _, e := range new(Server).routes() {
		names = append(names, e.name)
	}
	want := account.Commands()
	slices.Sort(names)
	slices.Sort(want)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("routes (+) and account.Commands (-):\n%s", diff)
	}
}
