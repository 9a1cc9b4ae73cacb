package guard

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

// PauseWhenFull is how long everything that writes waits after the disk turned out
// to be full, so that Pebble's repetitions leave the processor alone.
const PauseWhenFull = 100 * time.Millisecond

// A Space knows whether the disk has room for more.
type Space struct {
	lg   *slog.Logger
	fs   vfs.FS
	dir  string
	min  uint64
	full atomic.Bool
}

// NewSpace returns the Space of dir in fs, which has room while it has at least that
// many bytes free, and before it is measured. It logs to lg when that changes.
func NewSpace(lg *slog.Logger, fs vfs.FS, dir string, least uint64) *Space {
	return &Space{lg: lg, fs: fs, dir: dir, min: least}
}

// errFull is what a write answers while there is too little space.
var errFull = &account.Error{
	Code:   account.Internal,
	Detail: "the disk is nearly full; free space and repeat the call",
}

// Check returns nil if there is room, else an [account.Error] of Code Internal that
// says what to do.
func (s *Space) Check() error {
	if s.full.Load() {
		return errFull
	}
	return nil
}

// Measure asks the file system how much space is left. It may hang with the
// disk. A file system that cannot tell has room.
func (s *Space) Measure() {
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		if !errors.Is(err, vfs.ErrUnsupported) {
			s.lg.Warn("free space of the data directory is unknown", "err", err)
		}
		return
	}
	full := usage.AvailBytes < s.min
	if s.full.Swap(full) == full {
		return
	}
	if full {
		s.lg.Error("disk nearly full; writes are refused", "free_bytes", usage.AvailBytes, "needed_bytes", s.min)
	} else {
		s.lg.Info("disk has room again; writes are accepted", "free_bytes", usage.AvailBytes)
	}
}

// Watched returns fs for files whose writes tell s of a full disk, and are tried again
// once after a pause.
func (s *Space) Watched(fs vfs.FS) vfs.FS { return vfs.OnDiskFull(fs, s.ranOut) }

// Short returns how many bytes are free, and whether they are fewer than least. A file
// system that cannot tell has room.
func (s *Space) Short(least uint64) (free uint64, short bool) {
	usage, err := s.fs.GetDiskUsage(s.dir)
	return usage.AvailBytes, err == nil && usage.AvailBytes < least
}

// Watch measures again and again until stop is closed.
func (s *Space) Watch(every time.Duration, stop <-chan struct{}) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			s.Measure()
		}
	}
}

// ranOut is told by the file system that a write found no space: the next
// measurement comes too late.
func (s *Space) ranOut() {
	if !s.full.Swap(true) {
		s.lg.Error("disk full; writes are refused")
	}
	time.Sleep(PauseWhenFull)
}
