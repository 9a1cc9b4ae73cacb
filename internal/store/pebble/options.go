package pebble

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/store/pebble/catalog"
	"rollcall/internal/store/pebble/guard"
	"rollcall/internal/store/pebble/record"
)

// Options say where a store lies and how it behaves. Dir alone is required.
type Options struct {
	Dir    string       // made with mode 0700 if it does not exist
	FS     vfs.FS       // nil is the operating system's
	Logger *slog.Logger // nil is silent

	// Convert returns the records that take the place of a value of format 4: the JSON of
	// an app ('p'), of a token ('k') or of an entry of the audit trail ('w'). None of them
	// has a condition. Appended ones get the number of the entry. Without Convert, only
	// data of this format can be opened.
	Convert catalog.Converter

	readOnly bool // see Verify
	accept   bool // see Accept

	noSync     bool                     // tests: acknowledge what is not durable
	checkSpace time.Duration            // tests: how often the free space is asked for
	flushBytes int                      // tests: bytes of the journal that are flushed at once
	idleTick   time.Duration            // tests: how often the store looks whether there is load
	hook       func(written bool) error // tests: asked before and after each commit; an error is its failure
	renewIndex bool                     // tests: with every flush
	smallLogs  bool                     // tests: begin logs and manifests anew all the time
	columns    bool                     // tests: write tables in columns
}

// minFree is the bytes of free space below which writes are refused. It leaves room
// for the log, the flush of everything in memory and a compaction or two.
const minFree = 256 << 20

// checkSpaceEvery is how often the free space is asked for.
const checkSpaceEvery = time.Second

// Sizes of Pebble's parts. They are small, for a process that mostly idles;
// memory is taken as it is needed.
const (
	cacheBytes    = 64 << 20 // taken as it is needed; Pebble takes off what memtables have
	memtableBytes = 16 << 20 // of journal; the first has 256 KiB, each next one twice as much; six logs are kept
	bytesPerSync  = 512 << 10
	baseBytes     = 1 << 30 // of accounts that lie in one level: fewer levels, fewer rewrites
	l0Flushes     = 12      // flushes that lie on each other before they are put in order
	bloomBits     = 10      // of the tables of flushes
)

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.checkSpace == 0 {
		o.checkSpace = checkSpaceEvery
	}
	if o.idleTick == 0 {
		o.idleTick = idleTick
	}
	if o.flushBytes == 0 {
		o.flushBytes = flushBytes
	}
	return o
}

// engine returns the options of Pebble.
func (o Options) engine(s *Store) *pebble.Options {
	p := &pebble.Options{
		ReadOnly:                    o.readOnly,
		FS:                          guard.Disk{FS: o.FS, Dir: o.Dir, Space: s.space, Pacer: s.pacer, Failure: s.failure, Sums: s.sums}.Guarded(),
		Lock:                        s.lock,
		Logger:                      guard.NewLogger(o.Logger, s.failure, s.errors),
		FormatMajorVersion:          pebble.FormatNewest,
		CacheSize:                   cacheBytes,
		MemTableSize:                memtableBytes,
		Merger:                      record.Merger,
		LBaseMaxBytes:               baseBytes,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       2 * l0Flushes, // Pebble counts each twice
		L0StopWritesThreshold:       1000,          // rather a slower read than a stopped import
		WALBytesPerSync:             bytesPerSync,
		BytesPerSync:                bytesPerSync,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		EventListener: &pebble.EventListener{
			BackgroundError: s.errors.Report,
			DataCorruption:  s.corrupt,
		},
	}
	if o.smallLogs {
		p.MemTableSize, p.MaxManifestFileSize = 48<<10, 1<<10
	}
	// What is read by key exists, mostly below the flushes: filters spare the look
	// into each of them.
	p.Levels[0].FilterPolicy = bloom.FilterPolicy(bloomBits)
	p.Experimental.FileCacheShards = 2
	// Rows take a flush less than half the time that columns do. Tables in columns stay
	// readable.
	p.Experimental.EnableColumnarBlocks = func() bool { return o.columns }
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	// What Pebble itself writes to the first level is the journal, which is dropped soon.
	p.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	return p
}

// corrupt is told of damage to a table. It ends a store that serves; a store that is
// being opened returns the error.
func (s *Store) corrupt(info pebble.DataCorruptionInfo) {
	if s.started.Load() {
		s.failure.Fail(fmt.Errorf("the file %s differs from what was written: %s", s.fs.PathBase(info.Path), firstLine(info.Details)))
	}
}

// writerOptions are those of the tables that a flush writes.
func (s *Store) writerOptions() sstable.WriterOptions {
	o := s.pebble.MakeWriterOptions(0, s.db.TableFormat())
	o.Compression = s.pebble.Levels[1].Compression()
	return o
}
