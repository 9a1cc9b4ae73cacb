package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// watched returns a disk that records each sync below root, and which files exist at
// that time.
func watched(root string) (disk, *[]string) {
	log := new([]string)
	d := system
	d.sync = func(f *os.File) error {
		name, err := filepath.Rel(root, f.Name())
		if err != nil {
			return err
		}
		if base, _, temporary := strings.Cut(name, "note.txt."); temporary {
			name = base + "a temporary file"
		}
		entries, err := os.ReadDir(root)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Name() == "note.txt" || e.IsDir() {
				name += " with " + e.Name()
			}
		}
		*log = append(*log, name)
		return f.Sync()
	}
	return d, log
}

// TestMkdir checks that the parent of each created directory is synced, from the top
// down, and that an existing directory stays unchanged.
func TestMkdir(t *testing.T) {
	root := t.TempDir()
	for _, step := range []struct {
		dir  string
		want []string
	}{
		{"a/b/c", []string{". with a", "a with a", "a/b with a"}},
		{"a/b/c", nil},
		{"a/b/d", []string{"a/b with a"}},
	} {
		d, log := watched(root)
		if err := d.mkdir(filepath.Join(root, step.dir)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, *log); diff != "" {
			t.Errorf("syncs of %s (-want +got):\n%s", step.dir, diff)
		}
	}
}

// TestSyncs checks that a file is synced before it takes its name, and its name
// afterwards.
func TestSyncs(t *testing.T) {
	for name, step := range map[string]func(disk) func(from, to string) error{
		"Write":  func(d disk) func(from, to string) error { return d.rename },
		"Create": func(d disk) func(from, to string) error { return d.link },
	} {
		root := t.TempDir()
		d, log := watched(root)
		if err := d.put(filepath.Join(root, "note.txt"), []byte("text"), step(d)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a temporary file", ". with note.txt"}, *log); diff != "" {
			t.Errorf("syncs of %s (-want +got):\n%s", name, diff)
		}
	}
}

// TestFailures makes each step fail. Until the file is renamed it has its old content or
// does not exist. No other file is left behind.
func TestFailures(t *testing.T) {
	broken := errors.New("the disk is gone")
	named := func(string, string) error { return broken }
	for _, tt := range []struct {
		name     string
		step     func(*disk)
		replaced bool // the file has the new content in spite of the error
	}{
		{"write", func(d *disk) {
			d.write = func(f *os.File, b []byte) (int, error) { n, _ := f.Write(b[:1]); return n, broken }
		}, false},
		{"sync of the file", func(d *disk) { d.sync = func(*os.File) error { return broken } }, false},
		{"name", func(d *disk) { d.rename, d.link = named, named }, false},
		{"sync of the directory", func(d *disk) {
			d.sync = func(f *os.File) error {
				if info, err := f.Stat(); err != nil || info.IsDir() {
					return errors.Join(err, broken)
				}
				return f.Sync()
			}
		}, true},
	} {
		d := system
		tt.step(&d)
		for _, before := range []string{"", "old"} {
			file := filepath.Join(t.TempDir(), "file")
			want, name := before, d.link
			if before != "" {
				name = d.rename
				if err := Write(file, []byte(before)); err != nil {
					t.Fatal(err)
				}
			}
			if tt.replaced {
				want = "new"
			}
			if err := d.put(file, []byte("new"), name); !errors.Is(err, broken) {
				t.Errorf("%s over %q: %v, want %v", tt.name, before, err, broken)
			}
			b, err := os.ReadFile(file)
			if string(b) != want || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s over %q: the file contains %q, %v, want %q", tt.name, before, b, err, want)
			}
			left, err := filepath.Glob(file + ".*")
			if err != nil || len(left) > 0 {
				t.Errorf("%s over %q: %v are left, %v", tt.name, before, left, err)
			}
		}
	}
}

// TestCreate creates a file twice. The second time changes nothing.
func TestCreate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := Create(file, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := Create(file, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create of a file that exists: %v", err)
	}
	b, err := os.ReadFile(file)
	if err != nil || string(b) != "first" {
		t.Errorf("the file contains %q, %v", b, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestRename renames a directory, and checks that it does not replace one with entries.
func TestRename(t *testing.T) {
	root := t.TempDir()
	from, to := filepath.Join(root, "from"), filepath.Join(root, "to")
	for _, dir := range []string{from, to} {
		if err := Mkdir(dir); err != nil {
			t.Fatal(err)
		}
		if err := Write(filepath.Join(dir, "file"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := Rename(from, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a directory with a file: %v", err)
	}
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := Rename(from, to); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(to, "file")); err != nil {
		t.Error(err)
	}
}

// TestErrorNames checks that errors name the file and not its temporary one.
func TestErrorNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none", "note.txt")
	for name, err := range map[string]error{"Write": Write(file, nil), "Create": Create(file, nil)} {
		if e, ok := errors.AsType[*fs.PathError](err); !ok || e.Path != file || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s = %v, want an error with %s", name, err, file)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "full"), nil); err == nil || strings.Contains(err.Error(), "full.") {
		t.Errorf("a file in place of a directory: %v", err)
	}
}
