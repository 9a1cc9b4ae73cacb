package pebble

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

// checkSpaceEvery is how often the guard asks for the free space.
const checkSpaceEvery = time.Second

// pauseWhenFull is how long everything that writes waits after the disk turned
// out to be full, so that Pebble's repetitions leave the processor alone.
const pauseWhenFull = 100 * time.Millisecond

// A guard knows whether the disk has room for more.
type guard struct {
	lg   *slog.Logger
	fs   vfs.FS
	dir  string
	min  uint64
	full atomic.Bool
}

// errFull is what a write answers while there is too little space.
var errFull = &account.Error{
	Code:   account.Internal,
	Detail: "the disk is nearly full; free space and repeat the call",
}

// check returns nil if there is room.
func (g *guard) check() error {
	if g.full.Load() {
		return errFull
	}
	return nil
}

// measure asks the file system how much space is left. It may hang with the
// disk. A file system that cannot tell has room.
func (g *guard) measure() {
	usage, err := g.fs.GetDiskUsage(g.dir)
	if err != nil {
		if !errors.Is(err, vfs.ErrUnsupported) {
			g.lg.Warn("free space of the data directory is unknown", "err", err)
		}
		return
	}
	full := usage.AvailBytes < g.min
	if g.full.Swap(full) == full {
		return
	}
	if full {
		g.lg.Error("disk nearly full; writes are refused", "free_bytes", usage.AvailBytes, "needed_bytes", g.min)
	} else {
		g.lg.Info("disk has room again; writes are accepted", "free_bytes", usage.AvailBytes)
	}
}

// watch measures again and again until stop is closed.
func (g *guard) watch(every time.Duration, stop <-chan struct{}) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			g.measure()
		}
	}
}

// ranOut is told by the file system that a write found no space: the next
// measurement comes too late.
func (g *guard) ranOut() {
	if !g.full.Swap(true) {
		g.lg.Error("disk full; writes are refused")
	}
	time.Sleep(pauseWhenFull)
}
