package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/testutil/anystore"
)

// damages lists ways to damage one file of a store.
var damages = []struct {
	name    string
	pattern string // of the file; the last one of several
	inflict func([]byte) []byte
	want    string // in the refusal, with FILE for the name of the file
}{
	{"missing log", "*.log", nil, "the file FILE is missing"},
	{"cut log", "*.log", cut, "the file FILE has"},
	{"flipped byte in a log", "*.log", flip, "the file FILE differs from what was written"},
	{"missing manifest", "MANIFEST-*", nil, "the file FILE is missing"},
	{"cut manifest", "MANIFEST-*", cut, "the file FILE has"},
	{"flipped byte in the manifest", "MANIFEST-*", flip, "the file FILE differs from what was written"},
	{"missing marker of the manifest", "marker.manifest.*", nil, "the file marker.manifest.* is missing"},
	{"missing marker of the format", "marker.format-version.*", nil, "the file marker.format-version.* is missing"},
	{"missing record", "CHECKSUMS", nil, "the file FILE is missing"},
	{"empty record", "CHECKSUMS", func([]byte) []byte { return nil }, "the file FILE cannot be read"},
}

// cut removes the last byte.
func cut(b []byte) []byte { return b[:len(b)-1] }

// flip flips a bit of the byte in the middle.
func flip(b []byte) []byte {
	b[len(b)/2] ^= 1
	return b
}

// TestDamaged damages a file of the data directory between two starts. The second start
// fails with the name of the file and changes nothing. A check of the store fails in the
// same way, and so does a check of a backup with the same damage.
func TestDamaged(t *testing.T) {
	anystore.NeedEmbedded(t)
	tr, s := newTrial(t, t.TempDir())
	tr.workers = tr.workers[:len(tr.workers)-1] // without the one that makes backups
	l := tr.startLoad(t, s)
	l.more(t, 100)
	l.end(t)
	whole := filepath.Join(t.TempDir(), "copy")
	if code, printed := program(t, "backup", "create", whole, "--context", filepath.Join(tr.dir, "context.json")); code != exitOK {
		t.Fatal(printed)
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range damages {
		t.Run(tt.name, func(t *testing.T) {
			dir, file := damaged(t, tr.dir, tt.pattern, tt.inflict)
			want := strings.ReplaceAll(tt.want, "FILE", file)
			before := imageOf(t, dir)
			refused(t, want, serveArgs(dir)...)
			refused(t, want, "store", "check", dir)
			if diff := cmp.Diff(before, imageOf(t, dir)); diff != "" {
				t.Errorf("the directory was changed (-before +after):\n%s", diff)
			}
			dir, file = damaged(t, whole, tt.pattern, tt.inflict)
			refused(t, "the file accounts/"+file+" is ", "backup", "verify", dir)
		})
	}
}

// damaged copies a directory and damages a file of the store in it. It returns the copy
// and the name of the file.
func damaged(t *testing.T, dir, pattern string, inflict func([]byte) []byte) (copied, file string) {
	t.Helper()
	copied = filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(copied, "seal.keys") // a backup does not have this file
	if err := os.Chmod(keys, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(copied, "accounts", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file %s, %v", pattern, err)
	}
	path := files[len(files)-1]
	if inflict == nil {
		err = os.Remove(path)
	} else {
		var b []byte
		if b, err = os.ReadFile(path); err == nil {
			err = os.WriteFile(path, inflict(b), 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied, filepath.Base(path)
}

// refused runs a command that must fail with one line that contains want.
func refused(t *testing.T, want string, args ...string) {
	t.Helper()
	code, printed := program(t, args...)
	if code != exitFailure || !strings.Contains(printed, want) || strings.Count(printed, "\n") != 1 {
		t.Errorf("rollcall %s: exit code %d: %s; want %q", args[0], code, printed, want)
	}
}

// imageOf returns the files in a directory, each with its size and checksum.
func imageOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	image := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		image[path] = fmt.Sprintf("%d bytes, SHA-256 %x", len(b), sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return image
}
