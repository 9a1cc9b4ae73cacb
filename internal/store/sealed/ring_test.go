package sealed_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/sealed"
)

func TestOpenMakesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seal.keys")
	store := new(mem.Store)
	e, err := sealed.Open(t.Context(), store, file)
	if err != nil {
		t.Fatal(err)
	}
	change(t, e)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	again, err := sealed.Open(t.Context(), store, file)
	if err != nil {
		t.Fatal(err)
	}
	if open(t, again) != open(t, e) {
		t.Error("the secrets are not what they were")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.Open(t.Context(), store, file); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("without the file: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a new file was made, which opens nothing")
	}
}

// TestOpenTogether starts several nodes at once on a new file: all get the same
// key.
func TestOpenTogether(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seal.keys")
	engines := make([]account.Engine, 8)
	stores := make([]*mem.Store, len(engines))
	var wg sync.WaitGroup
	for i := range engines {
		stores[i] = new(mem.Store)
		wg.Go(func() {
			var err error
			if engines[i], err = sealed.Open(t.Context(), stores[i], file); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	change(t, engines[0])
	for range engines {
		if _, err := sealed.Open(t.Context(), stores[0], file); err != nil {
			t.Error(err)
		}
	}
	for i := range engines[1:] {
		change(t, engines[i+1])
		if _, err := sealed.Open(t.Context(), stores[i+1], file); err != nil {
			t.Errorf("node %d has another key: %v", i+1, err)
		}
	}
}

func TestReadRing(t *testing.T) {
	good := "1 " + key(1)
	for name, tt := range map[string]struct{ text, want string }{
		"empty":         {"", "holds no key"},
		"comments only": {"# nothing\n\n", "holds no key"},
		"no version":    {key(1), "line 1: a line begins with its version"},
		"zero":          {"0 " + key(1), "a line begins with its version"},
		"no key":        {"1", "line 1: version 1 is not 32 bytes"},
		"short key":     {"1 YWJj", "version 1 is not 32 bytes"},
		"not base64":    {"1 " + strings.Repeat("!", 44), "version 1 is not 32 bytes"},
		"twice":         {good + "\n" + good, "line 2: version 1 does not follow version 1"},
		"backwards":     {"# old\n2 " + key(2) + "\n" + good, "line 3: version 1 does not follow version 2"},
		"half a line":   {good + "\n2 " + key(2)[:20], "line 2: version 2 is not 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "seal.keys")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := sealed.ReadRing(file)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), key(1)[:20]) {
				t.Errorf("%v, want %q and nothing of a key", err, tt.want)
			}
		})
	}
}

func TestReadRingPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seal.keys")
	if err := os.WriteFile(file, []byte("1 "+key(1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := sealed.ReadRing(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}
