package pebble

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
)

// An image contains the files of a directory, by name.
type image map[string][]byte

func imageOf(t *testing.T, fs vfs.FS, dir string) image {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	im := image{}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		im[name] = b
	}
	return im
}

// disk returns a file system with the files of im in the directory "data".
func (im image) disk(t *testing.T) vfs.FS {
	t.Helper()
	fs := vfs.NewMem()
	if err := fs.MkdirAll("data", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range im {
		putFile(t, fs, name, b)
	}
	return fs
}

func putFile(t *testing.T, fs vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create(fs.PathJoin("data", name), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(slices.Clone(b))
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// A sample is a store that a test damages.
type sample struct {
	image
	recorded int // accounts that the record of the logs covers
	total    int // all accounts
}

// samples returns a store that was killed after a flush, one that was stopped, and one that
// was compacted before it was stopped. The last log of the killed store contains accounts
// that the record of the logs does not cover yet.
func samples(t *testing.T) map[string]sample {
	t.Helper()
	ps := map[string]sample{}
	for _, name := range []string{"killed", "stopped", "compacted"} {
		disk := vfs.NewMem()
		s := open(t, Options{FS: disk})
		n := 0
		fill := func(accounts int) {
			for range accounts / 20 {
				us := make([]account.Upsert, 20)
				for i := range us {
					us[i] = account.Upsert{ID: account.UserID(fmt.Sprintf("id-%04d", n)), Nick: "nick"}
					n++
				}
				if _, err := s.Upsert(t.Context(), app, us, free); err != nil {
					t.Fatal(err)
				}
			}
		}
		fill(200)
		flush(t, s)
		fill(100)
		flush(t, s)
		fill(60)
		if name == "compacted" {
			flush(t, s)
			if err := newIdler(s.flusher).compact(nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.sums.Save(); err != nil {
			t.Fatal(err)
		}
		p := sample{recorded: n}
		if name == "killed" {
			fill(40)
			p.image = imageOf(t, disk, "data")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if p.total = n; p.image == nil {
			p.image, p.recorded = imageOf(t, disk, "data"), n
		}
		ps[name] = p
	}
	return ps
}

// refused reports whether the record of the logs shows that the directory on disk is
// damaged.
func refused(t *testing.T, disk vfs.FS) bool {
	t.Helper()
	_, err := guard.ReadChecksums(disk, "data", true)
	if _, ok := errors.AsType[guard.Damage](err); err != nil && !ok {
		t.Errorf("%v, want nil or a guard.Damage", err)
	}
	return err != nil
}

// accounts opens the store on disk and returns the number of accounts that it lists, or -1
// if there is an error.
func accounts(t *testing.T, disk vfs.FS) (n int) {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: "data", FS: disk, Convert: convert})
	if err != nil {
		return -1
	}
	defer func() { _ = s.Close() }()
	for q := (account.ListQuery{Limit: account.MaxListLimit}); ; {
		page, err := s.List(t.Context(), app, q)
		if err != nil {
			return -1
		}
		n += len(page.Accounts)
		if q.After = page.Next; q.After == "" {
			return n
		}
	}
}

// TestDamageByByte flips one bit in a byte of a log or manifest, or truncates the file
// before that byte. The directory must be refused, or the store must contain every account
// that the record of the logs covers. The test tries every seventeenth byte, or every byte
// if ROLLCALL_TEST_EVERY_BYTE is set.
func TestDamageByByte(t *testing.T) {
	step := 17
	if os.Getenv("ROLLCALL_TEST_EVERY_BYTE") != "" {
		step = 1
	}
	for name, p := range samples(t) {
		t.Run(name, func(t *testing.T) {
			disk := p.disk(t)
			trials, opened := 0, 0
			for _, file := range slices.Sorted(maps.Keys(p.image)) {
				if !guard.Guarded(file) {
					continue
				}
				whole := p.image[file]
				for i := 0; i < len(whole); i += step {
					flipped := slices.Clone(whole)
					flipped[i] ^= 1 << (i % 8)
					for what, damaged := range map[string][]byte{"flipped": flipped, "cut": whole[:i]} {
						trials++
						putFile(t, disk, file, damaged)
						if refused(t, disk) {
							continue
						}
						opened++
						again := maps.Clone(p.image)
						again[file] = damaged
						if n := accounts(t, again.disk(t)); n >= 0 && n < p.recorded {
							t.Errorf("%s at byte %d of %s: opened with %d accounts of %d", what, i, file, n, p.recorded)
						}
					}
				}
				putFile(t, disk, file, whole)
			}
			t.Logf("%d trials, %d passed the record and were opened", trials, opened)
			if trials == opened {
				t.Error("the record detected no damage")
			}
		})
	}
}

// TestDamageByFile removes each file of a store in turn.
func TestDamageByFile(t *testing.T) {
	for name, p := range samples(t) {
		t.Run(name, func(t *testing.T) {
			for file := range p.image {
				left := maps.Clone(p.image)
				delete(left, file)
				disk := left.disk(t)
				before := imageOf(t, disk, "data")
				n := accounts(t, disk)
				mustStart := file == "LOCK" || strings.HasPrefix(file, "OPTIONS-")
				switch {
				case n < 0 && mustStart:
					t.Errorf("without %s: refused", file)
				case n >= 0 && n < p.total:
					t.Errorf("without %s: opened with %d accounts of %d", file, n, p.total)
				case n < 0:
					after := imageOf(t, disk, "data")
					for name, b := range before {
						if !slices.Equal(b, after[name]) {
							t.Errorf("without %s: refused, but %s was changed", file, name)
						}
					}
				}
			}
		})
	}
}

// TestDamageMessage checks the error for a missing log.
func TestDamageMessage(t *testing.T) {
	p := samples(t)["stopped"]
	for file := range p.image {
		if strings.HasSuffix(file, ".log") {
			delete(p.image, file)
			_, err := Open(t.Context(), Options{Dir: "data", FS: p.disk(t)})
			want := "the data directory data is damaged: the file " + file + " is missing. It was left as it is. "
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v, want %s…", err, want)
			}
			return
		}
	}
	t.Error("there was no log to remove")
}

// TestCutOffCopy opens an incomplete copy of a store, which contains tables but no file
// that names them.
func TestCutOffCopy(t *testing.T) {
	p := samples(t)["compacted"]
	for name := range p.image {
		if !strings.HasSuffix(name, ".sst") {
			delete(p.image, name)
		}
	}
	if n := accounts(t, p.disk(t)); n >= 0 {
		t.Errorf("a store of %d accounts was opened", n)
	}
}

// TestLostMarker checks that the error names the missing marker.
func TestLostMarker(t *testing.T) {
	for _, marker := range []string{"marker.manifest.", "marker.format-version."} {
		p := samples(t)["stopped"]
		maps.DeleteFunc(p.image, func(name string, _ []byte) bool { return strings.HasPrefix(name, marker) })
		_, err := Open(t.Context(), Options{Dir: "data", FS: p.disk(t)})
		if err == nil || !strings.Contains(err.Error(), "is damaged: the file "+marker+"* is missing") {
			t.Errorf("%v, want the marker %s", err, marker)
		}
	}
}

// TestLostEverythingButRecord checks that a directory is refused if only the record of the
// logs and the marker of the format are left.
func TestLostEverythingButRecord(t *testing.T) {
	p := samples(t)["stopped"]
	maps.DeleteFunc(p.image, func(name string, _ []byte) bool {
		return name != guard.ChecksumsFile && !strings.HasPrefix(name, "marker.format")
	})
	if n := accounts(t, p.disk(t)); n >= 0 {
		t.Errorf("a store of %d accounts was opened", n)
	}
}

// TestForeignManifest replaces the manifest by one of another store, which the record does
// not contain. The directory must be refused.
func TestForeignManifest(t *testing.T) {
	p, other := samples(t)["stopped"], samples(t)["compacted"]
	maps.DeleteFunc(p.image, func(name string, _ []byte) bool { return strings.HasPrefix(name, "marker.manifest") })
	for name, b := range other.image {
		if strings.HasPrefix(name, "MANIFEST-") {
			p.image["MANIFEST-000999"], p.image["marker.manifest.000099.MANIFEST-000999"] = b, nil
		}
	}
	_, err := Open(t.Context(), Options{Dir: "data", FS: p.disk(t)})
	if err == nil || !strings.Contains(err.Error(), "which was never recorded") {
		t.Errorf("%v, want a refusal", err)
	}
}

// TestLostFormat checks that a store without the record and without the key of its format
// is refused.
func TestLostFormat(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	must(t, s.db.Delete(formatKey, nil))
	must(t, s.Close())
	must(t, disk.Remove("data/"+guard.ChecksumsFile))
	if n := accounts(t, disk); n >= 0 {
		t.Errorf("a store of %d accounts was opened", n)
	}
}

// TestAcceptNothing checks that Accept refuses a store of which nothing can be read.
func TestAcceptNothing(t *testing.T) {
	for what, lost := range map[string]string{"nothing of the store": ".log", "cannot be accepted: the file marker.manifest.": "marker.manifest."} {
		p := samples(t)["stopped"]
		maps.DeleteFunc(p.image, func(name string, _ []byte) bool { return strings.Contains(name, lost) })
		_, err := Accept(t.Context(), Options{Dir: "data", FS: p.disk(t)}, true)
		if err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "estore a backup") {
			t.Errorf("without %s: %v, want %q", lost, err, what)
		}
	}
}

// TestAccept accepts a store without its last log, first without apply. Accept must refuse
// a store that is not damaged, and a store of format 3.
func TestAccept(t *testing.T) {
	p := samples(t)["compacted"]
	logs := slices.DeleteFunc(slices.Sorted(maps.Keys(p.image)), func(n string) bool { return !strings.HasSuffix(n, ".log") })
	delete(p.image, logs[len(logs)-1])
	disk := p.disk(t)
	shown, err := Accept(t.Context(), Options{Dir: "data", FS: disk}, false)
	must(t, err)
	if n := accounts(t, disk); n >= 0 {
		t.Errorf("accepted without apply: a store of %d accounts was opened", n)
	}
	taken, err := Accept(t.Context(), Options{Dir: "data", FS: disk}, true)
	must(t, err)
	if n := accounts(t, disk); !reflect.DeepEqual(shown, taken) || int64(n) != shown.Accounts+shown.Orphans && int64(n) != shown.Accounts {
		t.Errorf("without apply %+v, with it %+v, opened with %d accounts", shown, taken, n)
	}
	s := open(t, Options{FS: disk})
	makeOlder(t, s, 3)
	must(t, s.Close())
	if _, err := Accept(t.Context(), Options{Dir: "data", FS: disk}, true); err == nil || !strings.Contains(err.Error(), "is not damaged") {
		t.Errorf("a store without damage: %v, want a refusal", err)
	}
	must(t, disk.Remove("data/"+guard.ChecksumsFile))
	if _, err := Accept(t.Context(), Options{Dir: "data", FS: disk}, true); err == nil || !strings.Contains(err.Error(), "older version") {
		t.Errorf("format 3: %v, want a refusal", err)
	}
}

// TestOlderFormat opens a store of format 3, which has no record of the logs. Open must
// create the record, and must refuse the converted store without it.
func TestOlderFormat(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	makeOlder(t, s, 3)
	must(t, s.Close())
	must(t, disk.Remove("data/"+guard.ChecksumsFile))
	for range 3 {
		if n := accounts(t, disk); n != 1 {
			t.Fatalf("format 3 without a record: %d accounts, want 1", n)
		}
	}
	if _, err := disk.Stat("data/" + guard.ChecksumsFile); err != nil {
		t.Errorf("the conversion has created no record: %v", err)
	}
	must(t, disk.Remove("data/"+guard.ChecksumsFile))
	if n := accounts(t, disk); n >= 0 {
		t.Errorf("format %d without a record: %d accounts, want a refusal", format, n)
	}
}

// TestDamagedTable flips a bit in each table, or removes the table. The error of Verify
// must name the table and have one line, and so must the error of Open, if there is one.
func TestDamagedTable(t *testing.T) {
	p := samples(t)["compacted"]
	tables := 0
	for name, b := range p.image {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		tables++
		flipped := slices.Clone(b)
		flipped[len(b)/3] ^= 4
		for what, damaged := range map[string][]byte{"differs from what was written": flipped, "is missing": nil} {
			im := maps.Clone(p.image)
			im[name] = damaged
			if damaged == nil {
				delete(im, name)
			}
			_, err := Verify(t.Context(), Options{Dir: "data", FS: im.disk(t)}, nil)
			want := "the data directory data is damaged: the file " + name + " " + what
			if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Verify: %v\nwant %s", err, want)
			}
			s, err := Open(t.Context(), Options{Dir: "data", FS: im.disk(t)})
			if err == nil {
				must(t, s.Close()) // a start does not read the byte
			} else if !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Open: %v\nwant %s", err, want)
			}
		}
	}
	if tables == 0 {
		t.Error("there was no table")
	}
}

// TestRecordIsRenewed checks that the record of the logs changes after an import.
func TestRecordIsRenewed(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	defer func() { must(t, s.Close()) }()
	s.flusher.mu.Lock() // because a flush also changes the record
	defer s.flusher.mu.Unlock()
	before := imageOf(t, disk, "data")[guard.ChecksumsFile]
	must(t, one(t, s, "a", long))
	eventually(t, "new record", func() bool {
		return !slices.Equal(before, imageOf(t, disk, "data")[guard.ChecksumsFile])
	})
}
