package api

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/wire"
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

// TestRoutesAreInTheTable compares the routes with the commands that package
// wire explains paths and keys by.
func TestRoutesAreInTheTable(t *testing.T) {
	routes := new(Server).routes()
	for _, c := range wire.Commands {
		ep := routes[Prefix+c.Service+"/"+c.Name]
		if ep == nil {
			t.Errorf("%s/%s is not served", c.Service, c.Name)
		}
	}
	if len(routes) != len(wire.Commands) {
		t.Errorf("%d routes and %d commands in the table", len(routes), len(wire.Commands))
	}
}
