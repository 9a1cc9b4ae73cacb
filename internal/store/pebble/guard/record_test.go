package guard

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"
)

// newRecord returns a record of one log in fs, and the log.
func newRecord(t *testing.T, fs vfs.FS) (*Checksums, *tracked) {
	t.Helper()
	c := NewChecksums(fs, "")
	if err := c.Enable(); err != nil {
		t.Fatal(err)
	}
	return c, c.track("000001.log")
}

// TestSlots writes a record several times. An incomplete write must leave a valid record
// that covers at least as much as the previous one.
func TestSlots(t *testing.T) {
	fs := vfs.NewMem()
	c, log := newRecord(t, fs)
	var before []byte
	for i := range 5 {
		c.synced(log, sum{bytes: int64(i) + 1})
		if err := c.Save(); err != nil {
			t.Fatal(err)
		}
		after := content(t, fs)
		r, ok, err := readRecord(bytes.NewReader(after))
		if want := []recorded{{"000001.log", int64(i) + 1, 0}}; err != nil || !ok || !cmp.Equal(r.Files, want) {
			t.Fatalf("save %d: %+v, %v, %v", i, r, ok, err)
		}
		if i > 0 {
			tear(t, before, after, int64(i))
		}
		before = after
	}
}

// tear reads mixtures of two contents of the file, as a torn write could leave them. Each
// must be a record with at least the given number of bytes.
func tear(t *testing.T, before, after []byte, least int64) {
	t.Helper()
	for n := 0; n <= len(after); n += 97 {
		r, ok, err := readRecord(bytes.NewReader(append(slices.Clone(after[:n]), before[n:]...)))
		if err != nil || !ok || len(r.Files) == 0 || r.Files[0].Bytes < least {
			t.Fatalf("torn at %d: %+v, %v, %v; want at least %d bytes", n, r, ok, err, least)
		}
	}
}

func content(t *testing.T, fs vfs.FS) []byte {
	t.Helper()
	f, err := fs.Open(ChecksumsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, 2*slotBytes)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSaveAfterError breaks the disk during some saves. Later saves must write to the same
// slot, because only the other one is sure to be valid.
func TestSaveAfterError(t *testing.T) {
	broken := false
	mem := vfs.NewMem()
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken && op.Kind == errorfs.OpFileSyncData {
			return errors.New("broken")
		}
		return nil
	}))
	c, log := newRecord(t, fs)
	c.synced(log, sum{bytes: 1})
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	whole := content(t, mem)
	broken = true
	for range 3 {
		c.synced(log, sum{bytes: 2})
		if err := c.Save(); err == nil {
			t.Fatal("a save on a broken disk succeeded")
		}
	}
	newest := content(t, mem)
	if !bytes.Equal(whole[:slotBytes], newest[:slotBytes]) && !bytes.Equal(whole[slotBytes:], newest[slotBytes:]) {
		t.Error("both slots were written to")
	}
	broken = false
	if err := c.Save(); err != nil {
		t.Errorf("on a disk that works again: %v", err)
	}
	if r, _, _ := readRecord(bytes.NewReader(content(t, mem))); len(r.Files) != 1 || r.Files[0].Bytes != 2 {
		t.Errorf("saved %+v", r)
	}
}

// TestDropFails checks that a log is not removed if it cannot be removed from the record.
func TestDropFails(t *testing.T) {
	broken := false
	mem := vfs.NewMem()
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken && op.Kind == errorfs.OpFileWriteAt {
			return errors.New("broken")
		}
		return nil
	}))
	c := NewChecksums(fs, "")
	if err := c.Enable(); err != nil {
		t.Fatal(err)
	}
	guarded := Disk{FS: fs, Space: NewSpace(quiet, fs, "", 0), Failure: NewFailure(quiet), Sums: c}.Guarded()
	f, err := guarded.Create("000001.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write([]byte("x"))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	broken = true
	if err := guarded.Remove("000001.log"); err == nil {
		t.Error("removed, although the record still contains it")
	}
	if _, err := mem.Stat("000001.log"); err != nil {
		t.Errorf("the log does not exist any more: %v", err)
	}
}

// FuzzRecord reads arbitrary bytes as a record. A valid record must be the same after it is
// written and read again.
func FuzzRecord(f *testing.F) {
	b, _, _ := record{Seq: 3, Files: []recorded{{"MANIFEST-000001", 5, 6}}}.slot()
	f.Add(b)
	f.Add(bytes.Replace(b, []byte("000"), []byte("-99"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, ok, err := readRecord(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if again, _, err := r.slot(); ok && err == nil {
			got, good := parseSlot(again)
			if diff := cmp.Diff(r, got); !good || diff != "" {
				t.Errorf("changes when it is written again: %v\n%s", good, diff)
			}
		}
	})
}

// TestWatch checks that Watch saves a changed record once a second.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		c, log := newRecord(t, fs)
		stop := make(chan struct{})
		go c.Watch(NewErrors(quiet), stop)
		for i := range 4 {
			c.synced(log, sum{bytes: int64(i) + 1})
			time.Sleep(time.Second / 2)
		}
		synctest.Wait()
		close(stop)
		r, _, err := readRecord(bytes.NewReader(content(t, fs)))
		if err != nil || len(r.Files) != 1 || r.Files[0].Bytes < 3 || r.Seq != 3 {
			t.Errorf("after two seconds: %+v, %v; want two saves", r, err)
		}
	})
}

// TestResume continues with a record that it has read. The files in the record must remain,
// and the next save must not overwrite the newest slot.
func TestResume(t *testing.T) {
	fs := vfs.NewMem()
	c, log := newRecord(t, fs)
	f, err := fs.Create("000001.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("text")
	log.written = log.written.add(text)
	_, err = f.Write(bytes.Clone(text))
	c.synced(log, log.written)
	if err = errors.Join(err, f.Close(), c.Save(), c.Close()); err != nil {
		t.Fatal(err)
	}
	before := content(t, fs)
	again, err := reopen(fs)
	if err != nil {
		t.Fatal(err)
	}
	again.synced(again.track("000002.log"), sum{bytes: 1})
	if err := again.Save(); err != nil {
		t.Fatal(err)
	}
	r, _, err := readRecord(bytes.NewReader(content(t, fs)))
	if err != nil || len(r.Files) != 2 {
		t.Errorf("the record has %+v, %v; want the old and the new log", r, err)
	}
	tear(t, before, content(t, fs), 0)
}

// reopen resumes with the record in fs. It compares no files with the record.
func reopen(fs vfs.FS) (*Checksums, error) {
	r, err := openRecord(fs, ChecksumsFile)
	if err != nil {
		return nil, err
	}
	return resume(fs, "", r, false)
}

// TestNoManifest checks that a directory with a record and without a manifest is refused.
func TestNoManifest(t *testing.T) {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("data", 0o700); err != nil {
		t.Fatal(err)
	}
	err := record{Files: []recorded{{"MANIFEST-000001", 1, 1}}}.compare(fs, "data")
	if _, ok := errors.AsType[Damage](err); !ok {
		t.Errorf("%v, want a Damage", err)
	}
}
