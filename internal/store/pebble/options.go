package pebble

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say where a store lies and how it behaves. Dir alone is required.
type Options struct {
	Dir     string       // made with mode 0700 if it does not exist
	FS      vfs.FS       // nil is the operating system's
	Logger  *slog.Logger // nil is silent
	MinFree uint64       // bytes of free space below which writes are refused; 0 is DefaultMinFree

	noSync     bool          // tests: acknowledge what is not durable
	checkSpace time.Duration // tests: how often the free space is asked for
	memtable   uint64        // tests: bytes that Pebble gathers in memory
}

// DefaultMinFree leaves room for the log, the flush of everything in memory and
// a compaction or two: 256 MiB.
const DefaultMinFree = 256 << 20

// Sizes of Pebble's parts. They are small, for a process that mostly idles;
// memory is taken as it is needed. There are no bloom filters: what is read by
// key exists, and filters would only take the cache from it.
const (
	cacheBytes    = 8 << 20
	memtableBytes = 16 << 20 // the first has 256 KiB, each next one twice as much
)

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MinFree == 0 {
		o.MinFree = DefaultMinFree
	}
	if o.checkSpace == 0 {
		o.checkSpace = checkSpaceEvery
	}
	if o.memtable == 0 {
		o.memtable = memtableBytes
	}
	return o
}

// engine returns the options of Pebble.
func (o Options) engine(s *Store) *pebble.Options {
	p := &pebble.Options{
		FS:                          vfs.OnDiskFull(o.FS, s.space.ranOut),
		Lock:                        s.lock,
		Logger:                      &logger{lg: o.Logger, failure: s.failure, errors: s.errors},
		FormatMajorVersion:          pebble.FormatNewest,
		CacheSize:                   cacheBytes,
		MemTableSize:                o.memtable,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       64, // rather a slower read than a stopped import
		WALBytesPerSync:             512 << 10,
		BytesPerSync:                512 << 10,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		EventListener: &pebble.EventListener{
			BackgroundError: s.errors.report,
			DataCorruption:  func(info pebble.DataCorruptionInfo) { s.failure.fail(info.Details) },
		},
	}
	p.Experimental.FileCacheShards = 2
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return p
}
