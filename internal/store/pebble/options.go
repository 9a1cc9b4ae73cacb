package pebble

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
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
}

// DefaultMinFree leaves room for the log, the flush of everything in memory and
// a compaction or two: 256 MiB.
const DefaultMinFree = 256 << 20

// Sizes of Pebble's parts. They are small, for a process that mostly idles;
// memory is taken as it is needed.
const (
	cacheBytes    = 8 << 20
	memtableBytes = 16 << 20 // the first has 256 KiB, each next one twice as much
	bloomBits     = 10
	lastLevel     = 6
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
	return o
}

// engine returns the options of Pebble.
func (o Options) engine(f *failure, space *guard, lock *pebble.Lock) *pebble.Options {
	background := &limiter{lg: o.Logger}
	p := &pebble.Options{
		FS:                          vfs.OnDiskFull(o.FS, space.ranOut),
		Lock:                        lock,
		Logger:                      &logger{lg: o.Logger, failure: f, errors: background},
		FormatMajorVersion:          pebble.FormatNewest,
		CacheSize:                   cacheBytes,
		MemTableSize:                memtableBytes,
		MemTableStopWritesThreshold: 4,
		L0StopWritesThreshold:       64, // rather a slower read than a stopped import
		WALBytesPerSync:             512 << 10,
		BytesPerSync:                512 << 10,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		EventListener: &pebble.EventListener{
			BackgroundError: background.log,
			DataCorruption:  func(info pebble.DataCorruptionInfo) { f.fail(info.Details) },
		},
	}
	p.Experimental.FileCacheShards = 2
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	// What is read by key exists, and most of it lies in the last level: filters
	// spare the look into the levels above.
	for i := range lastLevel {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return p
}
