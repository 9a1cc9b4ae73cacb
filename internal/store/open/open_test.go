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
		{"host=db password=s3cret", "the store has no scheme"},
		{"mysql:x", "the unknown scheme \"mysql\""},
		{"postgress://me:s3cret@db/x", "the unknown scheme \"postgress\""},
		{"postgres:x", "write postgres://USER@HOST/DATABASE"},
		{"postgres://me:s3cret@db/x?sslmode=maybe", "sslmode"},
		{"postgres://me:s3cret@127.0.0.1:1/x", "cannot be reached"},
		{"postgresql://me:s3cret@127.0.0.1:1/x", "cannot be reached"},
		{"pebble:/dev/null", "is a file"},
		{"pebble:/dev/null/data", "cannot be made"},
	} {
		e, err := open.Engine(t.Context(), tt.spec, open.Options{})
		if err == nil || e != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Engine(%q) = %v, %v; want an error with %q", tt.spec, e, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Engine(%q): %v", tt.spec, err)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, tt := range []struct {
		spec, kind, redacted string
		shared               bool
	}{
		{"mem:", "mem", "mem:", false},
		{"pebble:/a:b@c", "pebble", "pebble:/a:b@c", false},
		{"postgres://me:s3cret@db/x", "postgres", "postgres://me:xxxxx@db/x", true},
		{"postgresql://db/x", "postgres", "postgresql://db/x", true},
	} {
		if k, r, s := open.Kind(tt.spec), open.Redact(tt.spec), open.Shared(tt.spec); k != tt.kind || r != tt.redacted || s != tt.shared {
			t.Errorf("%s: kind %s, %s, shared %v", tt.spec, k, r, s)
		}
	}
}

// TestNoDirectory checks that a URL in place of a directory is refused without showing its
// password.
func TestNoDirectory(t *testing.T) {
	const spec = "postgres://me:s3cret@127.0.0.1:1/x"
	_, check := open.CheckStore(t.Context(), spec, "")
	_, accept := open.AcceptStore(t.Context(), spec, true)
	_, verify := open.Verify(t.Context(), spec, "")
	read := open.Read(t.Context(), spec, func(account.Engine) error { return nil })
	for name, err := range map[string]error{"CheckStore": check, "AcceptStore": accept, "Verify": verify, "Read": read} {
		if err == nil || !strings.Contains(err.Error(), "directory") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
