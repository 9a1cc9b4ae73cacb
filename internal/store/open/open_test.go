package open_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/open"
)

func TestEngine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a:b", "data")
	for _, spec := range []string{"mem:", "pebble:" + dir} {
		e, err := open.Engine(t.Context(), spec, open.Options{})
		if err != nil {
			t.Fatalf("%s: %v", spec, err)
		}
		space := account.Commit{Spaces: []account.Space{{App: 1, Now: time.UnixMilli(1)}}}
		if _, err := e.Commit(t.Context(), space); err != nil {
			t.Fatalf("%s: %v", spec, err)
		}
		rs, err := e.Upsert(t.Context(), 1, []account.Upsert{{ID: "a"}}, account.UpsertPolicy{Now: time.UnixMilli(1)})
		if err != nil || !rs[0].Created {
			t.Errorf("%s: Upsert = %+v, %v", spec, rs, err)
		}
		if err := e.Close(); err != nil {
			t.Errorf("%s: Close: %v", spec, err)
		}
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(files) == 0 {
		t.Errorf("%s holds nothing: %v", dir, err)
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ spec, want string }{
		{"", "no scheme"},
		{"data", "no scheme"},
		{"mem:x", "too much"},
		{"pebble:", "no directory"},
		{"postgres://localhost/db", "not in this version"},
		{"mysql:x", "unknown scheme"},
		{"pebble:/dev/null", "is a file"},
		{"pebble:/dev/null/data", "cannot be made"},
	} {
		e, err := open.Engine(t.Context(), tt.spec, open.Options{})
		if err == nil || e != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Engine(%q) = %v, %v; want an error with %q", tt.spec, e, err, tt.want)
		}
	}
}
