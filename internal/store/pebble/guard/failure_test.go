package guard

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"rollcall/internal/account"
)

var quiet = slog.New(slog.DiscardHandler)

// TestShielded runs functions that return, panic, hang, or call Fatalf.
func TestShielded(t *testing.T) {
	f := NewFailure(quiet)
	if err := f.Shielded(func() error { return io.EOF }, 0); !errors.Is(err, io.EOF) {
		t.Errorf("a function that fails: %v", err)
	}
	if err := f.Shielded(func() error { panic("oh") }, 0); err == nil || !strings.Contains(err.Error(), "oh") {
		t.Errorf("a function that panics: %v", err)
	}
	if err := f.Shielded(func() error { select {} }, time.Millisecond); !errors.Is(err, errTooSlow) {
		t.Errorf("a function that hangs: %v", err)
	}
	if err := f.Check(); err != nil {
		t.Errorf("the store has failed: %v", err)
	}
	fatal := NewLogger(quiet, f, NewErrors(quiet)).Fatalf
	if err := f.Shielded(func() error { fatal("no %s", "way"); return nil }, 0); !errors.Is(err, errGaveUp) {
		t.Errorf("a function that calls Fatalf: %v", err)
	}
	if err := f.Shielded(func() error { t.Error("a function ran after the failure"); return nil }, 0); !errors.Is(err, errGaveUp) {
		t.Errorf("a function after the failure: %v", err)
	}
	f.Fail(errors.New("later"))
	<-f.Done()
	if err := f.Check(); account.CodeOf(err) != account.Internal || !strings.Contains(errors.Unwrap(err).Error(), "no way") {
		t.Errorf("failed with %v, want the first cause", err)
	}
}

// TestGuardedFiles writes to a broken disk. A write of a table or of a copy returns the
// error. A write of a log or a manifest fails the store.
func TestGuardedFiles(t *testing.T) {
	for name, fatal := range map[string]bool{
		"000001.sst": false, "000001.log": true, "MANIFEST-000001": true,
		"copy-000001/000001.log": false, "copy-000001/MANIFEST-000001": false,
	} {
		t.Run(name, func(t *testing.T) {
			broken := errors.New("broken")
			disk := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind == errorfs.OpFileWrite {
					return broken
				}
				return nil
			}))
			f := NewFailure(quiet)
			fs := Disk{FS: disk, Space: NewSpace(quiet, disk, "", 0), Pacer: new(Pacer), Failure: f, Sums: NewChecksums(disk, "")}.Guarded()
			if err := fs.MkdirAll("copy-000001", 0o700); err != nil {
				t.Fatal(err)
			}
			file, err := fs.Create(name, vfs.WriteCategoryUnspecified)
			if err != nil {
				t.Fatal(err)
			}
			err = f.Shielded(func() error {
				_, err := file.Write([]byte("x"))
				return err
			}, 0)
			if failed := f.Check() != nil; failed != fatal || failed != errors.Is(err, errGaveUp) || failed == errors.Is(err, broken) {
				t.Errorf("the write returned %v, and the store has failed with %v", err, f.Check())
			}
		})
	}
}

// TestSpace checks that writes are refused while there is too little free space.
func TestSpace(t *testing.T) {
	disk := vfs.NewMem()
	s := NewSpace(quiet, disk, "", 100)
	for _, tt := range []struct {
		free uint64
		want account.Code
	}{{100, account.OK}, {99, account.Internal}, {100, account.OK}} {
		disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: tt.free})
		s.Measure()
		if err := s.Check(); account.CodeOf(err) != tt.want {
			t.Errorf("with %d bytes free: %v, want code %v", tt.free, err, tt.want)
		}
	}
	s.ranOut()
	if s.Check() == nil {
		t.Error("the space is sufficient right after a write found the disk full")
	}
	s.fs = untoldDisk{disk}
	s.Measure()
	if err := s.Check(); err != nil {
		t.Errorf("on a disk that does not tell its free space, no write can find room again: %v", err)
	}
}

// An untoldDisk does not report its free space.
type untoldDisk struct{ vfs.FS }

func (untoldDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{}, vfs.ErrUnsupported
}
