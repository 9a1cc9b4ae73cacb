package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/backup"
)

// A clock is a time of day that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 11, 28, 15, 4, 5, 6, time.UTC)} }

// A kit is a repository for a test, with the files of a store that change.
type kit struct {
	*Repository
	t     *testing.T
	clock *clock
	store string // directory whose files Create stores
}

// newKit returns a kit with an empty repository in a directory.
func newKit(t *testing.T) *kit {
	t.Helper()
	return kitAt(t, filepath.Join(t.TempDir(), "repository"))
}

// kitAt returns a kit with the repository at a place.
func kitAt(t *testing.T, place string) *kit {
	t.Helper()
	k := &kit{t: t, clock: newClock(), store: t.TempDir()}
	r, err := Prepare(place, Options{Now: k.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	k.Repository = r
	return k
}

// write writes files of the store: a name and a content in turn.
func (k *kit) write(files ...string) {
	k.t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(k.store, backup.Store, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			k.t.Fatal(err)
		}
		if err := os.RemoveAll(name); err != nil { // files of a store do not change in place
			k.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o600); err != nil {
			k.t.Fatal(err)
		}
	}
}

func (k *kit) source() Source {
	return Source{Version: "v0.0.0", Store: "pebble", Stage: func(context.Context) (string, *account.Contents, error) {
		return k.store, &account.Contents{Accounts: 3, Apps: 1, Digest: "d"}, nil
	}}
}

// create makes a backup an hour after the one before.
func (k *kit) create() *Backup {
	k.t.Helper()
	k.clock.at = k.clock.at.Add(time.Hour)
	b, err := k.Create(k.t.Context(), k.source(), nil)
	if err != nil {
		k.t.Fatal(err)
	}
	return b
}

// restored returns the content of the files of a backup, as Restore writes them.
func (k *kit) restored(id string) map[string]string {
	k.t.Helper()
	to := filepath.Join(k.t.TempDir(), "restored")
	if _, err := k.Restore(k.t.Context(), id, to, nil); err != nil {
		k.t.Fatal(err)
	}
	if _, err := backup.Check(to); err != nil {
		k.t.Error(err)
	}
	return tree(k.t, filepath.Join(to, backup.Store))
}

// tree returns the content of the files below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sound fails the test unless every file of the repository is as it was written.
func (k *kit) sound() *Report {
	k.t.Helper()
	report, err := k.Verify(k.t.Context(), nil, nil)
	if err == nil {
		err = report.Err()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return report
}

// TestBackups makes two backups that share a file, and restores both.
func TestBackups(t *testing.T) { testBackups(t, newKit(t)) }

func testBackups(t *testing.T, k *kit) {
	k.write("1.sst", "one", "2.sst", "two", "MANIFEST-1", "")
	first := k.create()
	k.write("2.sst", "two more", "sub/3.sst", "two more")
	second := k.create()
	want := &Backup{
		ID: "20261128T160405Z", Created: time.Date(2026, 11, 28, 16, 4, 5, 0, time.UTC), Version: "v0.0.0", Store: "pebble", Bytes: 6, NewBytes: 6,
		Inside: Inside{Contents: account.Contents{Accounts: 3, Apps: 1, Digest: "d"}},
	}
	got := *first
	got.Objects, got.Files = nil, nil
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("the first backup (-want +got):\n%s", diff)
	}
	if second.Bytes != 19 || second.NewBytes != 8 || len(second.Objects) != 3 || len(second.Files) != 4 {
		t.Errorf("the second backup has %d bytes, %d new ones, %d objects and %d files", second.Bytes, second.NewBytes, len(second.Objects), len(second.Files))
	}
	all, err := k.List(t.Context())
	if err != nil || len(all) != 2 || all[0].Fault != nil || all[1].Fault != nil {
		t.Fatalf("List = %+v, %v", all, err)
	}
	if diff := cmp.Diff(first, all[0].Backup); diff != "" {
		t.Errorf("the first backup of the list (-want +got):\n%s", diff)
	}
	if r := k.sound(); r.Backups != 2 || r.Objects != 4 || r.Bytes != 14 || r.UnusedObjects != 0 {
		t.Errorf("Verify = %+v", r)
	}
	if diff := cmp.Diff(map[string]string{"1.sst": "one", "2.sst": "two", "MANIFEST-1": ""}, k.restored(first.ID)); diff != "" {
		t.Errorf("the first backup (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"1.sst": "one", "2.sst": "two more", "MANIFEST-1": "", "sub/3.sst": "two more"}, k.restored(second.ID)); diff != "" {
		t.Errorf("the second backup (-want +got):\n%s", diff)
	}
}

// TestIDs makes backups while the clock stands still and while it goes back. No backup
// replaces another one.
func TestIDs(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	first := k.create()
	k.clock.at = k.clock.at.Add(-time.Hour)
	second := k.create()
	if first.ID != "20261128T160405Z" || second.ID != "20261128T160406Z" {
		t.Errorf("IDs %s and %s", first.ID, second.ID)
	}
}

// TestLinks checks that a repository on the file system of the store takes no space for
// its files, and that Restore does not link: a server changes restored files.
func TestLinks(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	b := k.create()
	same := func(a, b string) bool {
		x, errX := os.Stat(a)
		y, errY := os.Stat(b)
		if err := errors.Join(errX, errY); err != nil {
			t.Fatal(err)
		}
		return os.SameFile(x, y)
	}
	object := filepath.Join(k.place, filepath.FromSlash(objectName(b.Objects[0].Name)))
	if !same(object, filepath.Join(k.store, backup.Store, "1.sst")) {
		t.Error("the object is no link")
	}
	to := filepath.Join(t.TempDir(), "restored")
	if _, err := k.Restore(t.Context(), b.ID, to, nil); err != nil {
		t.Fatal(err)
	}
	if same(object, filepath.Join(to, backup.Store, "1.sst")) {
		t.Error("the restored file is a link to the object")
	}
}

// TestDamage damages a repository with two backups in every way. Verify names the file and
// the backups that need it, Restore refuses, and both change nothing.
func TestDamage(t *testing.T) {
	for _, tt := range []struct {
		name    string
		spoil   func(k *kit, object, description string) error
		want    string // part of the fault
		backups int    // that the fault names
	}{
		{"changed", func(_ *kit, object, _ string) error { return os.WriteFile(object, []byte("ONE"), 0o600) }, "has another content", 2},
		{"cut", func(_ *kit, object, _ string) error { return os.WriteFile(object, []byte("on"), 0o600) }, "has 2 bytes instead of 3", 2},
		{"longer", func(_ *kit, object, _ string) error { return os.WriteFile(object, []byte("onee"), 0o600) }, "has 4 bytes instead of 3", 2},
		{"missing", func(*kit, string, string) error { return nil }, "is missing", 2},
		{"a directory", func(_ *kit, object, _ string) error { return os.Mkdir(object, 0o700) }, "is missing", 2},
		{"a link", func(k *kit, object, _ string) error {
			return os.Symlink(filepath.Join(k.store, backup.Store, "1.sst"), object)
		}, "it is damaged", 2},
		{"swapped", func(k *kit, object, _ string) error {
			other := filepath.Join(k.place, filepath.FromSlash(objectName(sumOf([]byte("two")))))
			return errors.Join(os.Rename(other, object), os.WriteFile(other, []byte("one"), 0o600))
		}, "has another content", 2},
		{"description cut", func(_ *kit, _, description string) error { return os.Truncate(description, 100) }, "is no JSON", 1},
		{"description changed", func(_ *kit, _, description string) error { return replace(description, `"bytes":3`, `"bytes":2`) }, "its checksum is another one", 1},
		{"description of another", func(k *kit, _, description string) error {
			b, err := os.ReadFile(filepath.Join(k.place, "backups", "20261128T170405Z.json"))
			return errors.Join(err, os.WriteFile(description, b, 0o600))
		}, "was swapped or renamed", 1},
		{"description of the future", func(_ *kit, _, description string) error { return replace(description, `"format":1`, `"format":2`) }, "use a newer version", 1},
		{"a stranger", func(k *kit, _, _ string) error {
			return os.WriteFile(filepath.Join(k.place, "backups", "notes.json"), nil, 0o600)
		}, "is no description", 0},
		{"a strange object", func(k *kit, _, _ string) error {
			return os.WriteFile(filepath.Join(k.place, "objects", "x"), nil, 0o600)
		}, "is no object", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t)
			k.write("1.sst", "one", "2.sst", "two")
			first := k.create()
			k.write("3.sst", "three")
			k.create()
			object := filepath.Join(k.place, filepath.FromSlash(objectName(sumOf([]byte("one")))))
			description := filepath.Join(k.place, filepath.FromSlash(nameOf(first.ID)))
			if tt.backups == 2 {
				if err := os.Remove(object); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.spoil(k, object, description); err != nil {
				t.Fatal(err)
			}
			before := tree(t, k.place)
			report, err := k.Verify(t.Context(), nil, nil)
			if err != nil || len(report.Faults) == 0 {
				t.Fatalf("Verify = %+v, %v; want a fault", report, err)
			}
			if f := report.Faults[0]; !strings.Contains(report.Err().Error(), tt.want) || len(f.Backups) != tt.backups {
				t.Errorf("Verify found %v in %v, want %q in %d backups", report.Err(), f.Backups, tt.want, tt.backups)
			}
			if tt.backups == 0 {
				return
			}
			to := filepath.Join(t.TempDir(), "restored")
			remedy := "; use another backup"
			if strings.Contains(tt.want, "use a newer version") {
				remedy = tt.want
			}
			if _, err := k.Restore(t.Context(), first.ID, to, nil); err == nil || !strings.Contains(err.Error(), remedy) {
				t.Errorf("Restore: %v; want an error with %q", err, remedy)
			}
			if left, _ := filepath.Glob(to + "*"); len(left) > 0 {
				t.Errorf("Restore left %v", left)
			}
			if diff := cmp.Diff(before, tree(t, k.place)); diff != "" {
				t.Errorf("something was written (-before +after):\n%s", diff)
			}
		})
	}
}

func replace(file, old, with string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(b), old, with, 1)
	if changed == string(b) {
		return fmt.Errorf("%s has no %s", file, old)
	}
	return os.WriteFile(file, []byte(changed), 0o600)
}

// TestHostile gives descriptions with a right checksum that a stranger has made. None of
// them is used.
func TestHostile(t *testing.T) {
	sum := sumOf([]byte("one"))
	object := func(bytes int64) Object { return Object{sum, bytes, sum} }
	file := func(path string) []File { return []File{{path, 3, sum}} }
	for name, spoil := range map[string]func(b *Backup){
		"up":             func(b *Backup) { b.Files = file("../1.sst") },
		"up inside":      func(b *Backup) { b.Files = file("accounts/../../1.sst") },
		"absolute":       func(b *Backup) { b.Files = file("/etc/passwd") },
		"at the top":     func(b *Backup) { b.Files = file("backup.json") },
		"hidden":         func(b *Backup) { b.Files = file("accounts/.x") },
		"backslash":      func(b *Backup) { b.Files = file(`accounts\1.sst`) },
		"NUL":            func(b *Backup) { b.Files = file("accounts/1\x00") },
		"too long":       func(b *Backup) { b.Files = file("accounts/" + strings.Repeat("x", maxPath)) },
		"twice":          func(b *Backup) { b.Files, b.Bytes = append(file("a/1"), file("a/1")...), 6 },
		"file and below": func(b *Backup) { b.Files, b.Bytes = append(file("a/1"), file("a/1/2")...), 6 },
		"other size":     func(b *Backup) { b.Objects[0].Bytes = 4 },
		"negative":       func(b *Backup) { b.Objects[0].Bytes = -1 },
		"too large":      func(b *Backup) { b.Objects = []Object{{strings.Repeat("0", 64), 1<<63 - 1, sum}, object(3)} },
		"object up":      func(b *Backup) { b.Objects[0].Name = "../" + sum },
		"object twice":   func(b *Backup) { b.Objects = append(b.Objects, b.Objects[0]) },
		"no object":      func(b *Backup) { b.Objects = nil },
		"other sum":      func(b *Backup) { b.Bytes = 4 },
		"other time":     func(b *Backup) { b.Created = b.Created.Add(time.Hour) },
		"many files":     func(b *Backup) { b.Files = make([]File, maxFiles+1) },
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			b := &Backup{ID: at.Format(idLayout), Created: at, Bytes: 3, Objects: []Object{object(3)}, Inside: Inside{Files: file("accounts/1.sst")}}
			if _, err := decode(b.ID, must(t, b)); err != nil {
				t.Fatalf("the description before the change: %v", err)
			}
			spoil(b)
			if _, err := decode(b.ID, must(t, b)); err == nil || !strings.Contains(err.Error(), "is damaged") {
				t.Errorf("decode: %v", err)
			}
		})
	}
}

func must(t *testing.T, b *Backup) []byte {
	t.Helper()
	file, err := encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// FuzzDecode decodes anything. What is accepted can be encoded and decoded again.
func FuzzDecode(f *testing.F) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sum := sumOf([]byte("one"))
	file, err := encode(&Backup{ID: at.Format(idLayout), Created: at, Bytes: 3, Objects: []Object{{sum, 3, sum}}, Inside: Inside{Files: []File{{"a/b", 3, sum}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(`{"format":1,"sha256":"","backup":null}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		b, err := decode(at.Format(idLayout), file)
		if err != nil {
			return
		}
		for _, f := range b.Files {
			if !filepath.IsLocal(f.Path) {
				t.Errorf("the path %q", f.Path)
			}
		}
		if _, err := decode(b.ID, must(t, b)); err != nil {
			t.Error(err)
		}
	})
}

// TestRefused gives places and targets that cannot be used.
func TestRefused(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	b := k.create()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	partial := filepath.Join(t.TempDir(), "new")
	if err := os.MkdirAll(filepath.Join(partial+PartialSuffix, "mine"), 0o700); err != nil {
		t.Fatal(err)
	}
	restore := func(id, to string) error { _, err := k.Restore(t.Context(), id, to, nil); return err }
	opened := func(place string) error { _, err := Open(t.Context(), place, Options{}); return err }
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"no place":        {opened(""), "is empty"},
		"no directory":    {opened(filepath.Join(full, "none")), "is no repository"},
		"no repository":   {opened(full), "is no repository"},
		"not empty":       {restore(b.ID, full), "is not empty, and nothing is overwritten"},
		"no parent":       {restore(b.ID, filepath.Join(full, "a", "b")), "there is no directory"},
		"not ours":        {restore(b.ID, partial), "it is not what an interrupted restoration leaves"},
		"no backup":       {restore("20200101T000000Z", partial), "has no backup 20200101T000000Z"},
		"newest of none":  {func() error { _, err := newKit(t).Newest(t.Context()); return err }(), "has no backup yet"},
		"strange id":      {CheckID("../20200101T000000Z"), "is no backup"},
		"impossible id":   {CheckID("20201301T000000Z"), "is no backup"},
		"in other's home": {func() error { _, err := kitAt(t, full).Create(t.Context(), k.source(), nil); return err }(), "name an empty place"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, tt.err, tt.want)
		}
	}
	if err := os.WriteFile(filepath.Join(k.place, formatFile), []byte(`{"format":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := opened(k.place); err == nil || !strings.Contains(err.Error(), "use a newer version") {
		t.Errorf("a newer format: %v", err)
	}
}

// TestStageFails makes backups whose copy fails or has impossible files. The earlier
// backup stays as it is.
func TestStageFails(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	k.create()
	broken := errors.New("broken")
	s := k.source()
	s.Stage = func(context.Context) (string, *account.Contents, error) { return "", nil, broken }
	if _, err := k.Create(t.Context(), s, nil); !errors.Is(err, broken) {
		t.Errorf("Create: %v", err)
	}
	k.write(".hidden", "x")
	if _, err := k.Create(t.Context(), k.source(), nil); err == nil || !strings.Contains(err.Error(), "which no backup can have") {
		t.Errorf("Create: %v", err)
	}
	if r := k.sound(); r.Backups != 1 {
		t.Errorf("%d backups, want 1", r.Backups)
	}
}

// TestLocked makes a backup while another one is made.
func TestLocked(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	s := k.source()
	s.Stage = func(ctx context.Context) (string, *account.Contents, error) {
		other, err := Prepare(k.place, Options{})
		if err != nil {
			return "", nil, err
		}
		defer other.Close()
		if _, err := other.Create(ctx, k.source(), nil); !errors.Is(err, ErrLocked) {
			t.Errorf("Create under the lock: %v", err)
		}
		return k.source().Stage(ctx)
	}
	if _, err := k.Create(t.Context(), s, nil); err != nil {
		t.Error(err)
	}
}

// TestCanceled cancels every method.
func TestCanceled(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	b := k.create()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, create := k.Create(ctx, k.source(), nil)
	_, verify := k.Verify(ctx, nil, nil)
	_, restore := k.Restore(ctx, b.ID, filepath.Join(t.TempDir(), "x"), nil)
	for name, err := range map[string]error{"Create": create, "Verify": verify, "Restore": restore} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	k.sound()
}

// A failing backend returns an error for some names.
type failing struct {
	backend
	fail func(name string) error
}

func (f failing) put(ctx context.Context, name string, c content) error {
	if err := f.fail(name); err != nil {
		return err
	}
	return f.backend.put(ctx, name, c)
}

// TestFullDisk makes backups on a disk that is full after some files. None of them leaves
// files, so the disk does not fill up with what no backup needs.
func TestFullDisk(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	k.create()
	before := tree(t, k.place)
	works, left := k.backend, 0
	k.backend = failing{works, func(string) error {
		if left--; left < 0 {
			return fmt.Errorf("write: %w", syscall.ENOSPC)
		}
		return nil
	}}
	for room := range 3 {
		left = room
		k.write("1.sst", fmt.Sprint("one ", room), "2.sst", fmt.Sprint("two ", room), "3.sst", fmt.Sprint("three ", room))
		if _, err := k.Create(t.Context(), k.source(), nil); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("room for %d files: %v", room, err)
		}
		if diff := cmp.Diff(before, tree(t, k.place)); diff != "" {
			t.Errorf("room for %d files (-before +after):\n%s", room, diff)
		}
	}
	k.backend = works
	k.create()
	k.sound()
}

// TestReserve drills a backup on a disk that has room for it, but not for what must stay
// free for others.
func TestReserve(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	k.create()
	inspected := false
	d := Drill{Scratch: filepath.Join(t.TempDir(), "x"), Reserve: 1 << 60, Inspect: func(context.Context, string) (*account.Contents, error) {
		inspected = true
		return nil, errors.New("inspected")
	}}
	if _, err := k.Drill(t.Context(), d); err == nil || !strings.Contains(err.Error(), "has room for 0 besides") || inspected {
		t.Errorf("Drill: %v", err)
	}
	d.Reserve = 1
	if _, err := k.Drill(t.Context(), d); !inspected {
		t.Errorf("Drill with enough room: %v", err)
	}
}

// TestDrillAhead drills a repository with a backup whose time is far ahead, because the clock
// was wrong once. The newest backup is the one that was made last.
func TestDrillAhead(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	right := k.clock.at
	k.clock.at = right.AddDate(5, 0, 0)
	ahead := k.create()
	d := Drill{Scratch: filepath.Join(t.TempDir(), "x"), Inspect: func(context.Context, string) (*account.Contents, error) {
		return &account.Contents{Accounts: 3, Apps: 1, Digest: "d"}, nil
	}}
	k.clock.at = right
	if got, err := k.Drill(t.Context(), d); err != nil || got.ID != ahead.ID {
		t.Errorf("without another backup: %+v, %v", got, err)
	}
	last := k.create()
	if got, err := k.Drill(t.Context(), d); err != nil || got.ID != last.ID {
		t.Errorf("Drill = %+v, %v, want %s", got, err, last.ID)
	}
}

// TestForeignPartial names a directory of somebody else as the place of backups. Nothing is
// removed from it, not even from a directory with the name of ours.
func TestForeignPartial(t *testing.T) {
	for _, more := range []string{"", "letter"} {
		k := newKit(t)
		k.write("1.sst", "one")
		files := map[string]string{"partial/thesis": "one", "partial/sub/AAAAAAAAAAAAAAAAAAAAAAAAAA": "two"}
		if more != "" {
			files[more] = "three"
		}
		for name, text := range files {
			file := filepath.Join(k.place, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := k.Create(t.Context(), k.source(), nil); err == nil || !strings.Contains(err.Error(), "name an empty place") {
			t.Errorf("Create: %v", err)
		}
		after := tree(t, k.place)
		delete(after, lockFile)
		if diff := cmp.Diff(files, after); diff != "" {
			t.Errorf("files (-before +after):\n%s", diff)
		}
	}
}

// TestEmptyCopy makes a backup of a store without files, which no store is.
func TestEmptyCopy(t *testing.T) {
	k := newKit(t)
	if _, err := k.Create(t.Context(), k.source(), nil); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("Create: %v", err)
	}
}
