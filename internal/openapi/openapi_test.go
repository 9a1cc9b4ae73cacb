package openapi_test

import (
	"flag"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/admin"
	"rollcall/internal/openapi"
	"rollcall/internal/testutil"
	"rollcall/internal/wire"
)

//go:generate go test . -run ^TestDocuments$ -update

var update = flag.Bool("update", false, "rewrite the golden files")

// TestDocuments compares the committed documents with newly generated ones.
func TestDocuments(t *testing.T) {
	comments, err := openapi.ReadComments("../admin", "../adminapi", "../account", "../wire", "../calls", "../faults")
	if err != nil {
		t.Fatal(err)
	}
	for file, doc := range map[string]*openapi.Document{
		"../../docs/openapi/wire.json":  openapi.Wire(comments),
		"../../docs/openapi/admin.json": openapi.Admin(comments),
	} {
		got, err := doc.Encode()
		if err != nil {
			t.Fatal(err)
		}
		testutil.Golden(t, file, string(got), *update)
	}
}

// TestWireExamples checks that every command has examples. A test of another package calls
// them.
func TestWireExamples(t *testing.T) {
	var operations []string
	for _, path := range openapi.Wire(nil).Paths {
		op, _ := path.Value.Get("post")
		operations = append(operations, op.ID)
	}
	slices.Sort(operations)
	if diff := cmp.Diff(slices.Sorted(slices.Values(wire.CommandNames())), operations); diff != "" {
		t.Errorf("operations (+) and wire.Commands (-):\n%s", diff)
	}
}

// TestAdminExamples checks that every operation of the admin API has exactly one example.
func TestAdminExamples(t *testing.T) {
	count := map[string]int{}
	for _, e := range openapi.AdminExamples() {
		count[e.ID]++
	}
	for _, r := range admin.Routes() {
		if count[r.ID] != 1 {
			t.Errorf("%s has %d examples, want 1", r.ID, count[r.ID])
		}
		delete(count, r.ID)
	}
	if len(count) > 0 {
		t.Errorf("examples of operations that do not exist: %v", count)
	}
}

// TestParameters checks that every parameter has a schema, which the format demands.
func TestParameters(t *testing.T) {
	for _, doc := range []*openapi.Document{openapi.Wire(nil), openapi.Admin(nil)} {
		for _, path := range doc.Paths {
			for _, op := range path.Value {
				for _, p := range op.Value.Parameters {
					if p.Ref == "" && p.Schema == nil {
						t.Errorf("%s %s: the parameter %s has no schema", op.Name, path.Name, p.Name)
					}
				}
			}
		}
	}
}

// TestDescriptions checks that every schema and operation on the page has a description.
func TestDescriptions(t *testing.T) {
	comments, err := openapi.ReadComments("../admin", "../adminapi", "../account", "../wire", "../calls", "../faults")
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range []*openapi.Document{openapi.Wire(comments), openapi.Admin(comments)} {
		for _, m := range doc.Components.Schemas {
			if m.Value.Description == "" {
				t.Errorf("the schema %s has no description", m.Name)
			}
		}
		for _, path := range doc.Paths {
			for _, o := range path.Value {
				if o.Value.Summary == "" || o.Value.ID == "" || len(o.Value.Tags) != 1 || o.Value.Tags[0] == "" {
					t.Errorf("%s %s is incomplete", o.Name, path.Name)
				}
			}
		}
	}
}
