package anystore

import (
	"slices"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/testutil/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestOpen opens a store of each kind, which is empty and works.
func TestOpen(t *testing.T) {
	for _, kind := range Kinds(t, Mem, Pebble, Postgres, Pooled) {
		t.Run(kind, func(t *testing.T) {
			for range 2 {
				e := Open(t, kind)
				if _, err := e.Commit(t.Context(), account.Commit{Spaces: []account.Space{{App: 1}}}); err != nil {
					t.Fatal(err)
				}
				if n, err := e.Count(t.Context(), 1); n != 0 || err != nil {
					t.Errorf("%d accounts, %v", n, err)
				}
				if _, err := e.Upsert(t.Context(), 1, []account.Upsert{{ID: "alice"}}, account.UpsertPolicy{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestKinds(t *testing.T) {
	before := chosen
	t.Cleanup(func() { chosen = before })
	for value, want := range map[string][]string{
		"":             {Mem, Pooled},
		"pebble":       {Pebble},
		"postgres,mem": {Postgres, Mem},
	} {
		chosen = value
		if got := Kinds(t, Mem, Pooled); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
		if got := Kind(t, Mem); got != want[0] {
			t.Errorf("%q: %s, want %s", value, got, want[0])
		}
	}
}
