package guard

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

// PauseWhenFull is how long a write waits after the disk turned out to be full. It keeps
// the retries of Pebble from using a whole processor.
const PauseWhenFull = 100 * time.Millisecond

// A Space tracks whether the disk has enough free space.
type Space struct {
	lg   *slog.Logger
	fs   vfs.FS
	dir  string
	min  uint64
	full atomic.Bool
}

// NewSpace returns the Space of dir in fs. The space is sufficient while at least least
// bytes are free, and until the first measurement. Changes are logged to lg.
func NewSpace(lg *slog.Logger, fs vfs.FS, dir string, least uint64) *Space {
	return &Space{lg: lg, fs: fs, dir: dir, min: least}
}

// errFull is the error of a write while there is too little space.
var errFull = &account.Error{
	Code:   account.Internal,
	Detail: "the disk is nearly full; free space and repeat the call",
}

// Check returns nil if there is enough space. Otherwise it returns an [account.Error] of
// Code Internal that says what to do.
func (s *Space) Check() error {
	if s.full.Load() {
		return errFull
	}
	return nil
}

// Measure reads the free space from the file system. It may hang with the disk. If the
// file system cannot report the free space, writes are accepted until one finds the disk
// full.
func (s *Space) Measure() {
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		if !errors.Is(err, vfs.ErrUnsupported) {
			s.lg.Warn("free space of the data directory is unknown", "err", err)
		}
		s.full.Store(false)
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

// Watched returns fs with a hook: a write that finds the disk full marks s as full, and is
// retried once after a pause.
func (s *Space) Watched(fs vfs.FS) vfs.FS { return vfs.OnDiskFull(fs, s.ranOut) }

// Short returns the free bytes, and whether they are fewer than least. It reports false if
// the file system cannot tell.
func (s *Space) Short(least uint64) (free uint64, short bool) {
	usage, err := s.fs.GetDiskUsage(s.dir)
	return usage.AvailBytes, err == nil && usage.AvailBytes < least
}

// Watch calls Measure at each interval until stop is closed.
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

// ranOut runs when a write has found no space. It does not wait for the next measurement,
// which would come too late.
func (s *Space) ranOut() {
	if !s.full.Swap(true) {
		s.lg.Error("disk full; writes are refused")
	}
	time.Sleep(PauseWhenFull)
}
