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

// Options contain the directory of a store and its settings. Only Dir is required.
type Options struct {
	Dir    string       // created with mode 0700 if it does not exist
	FS     vfs.FS       // nil means the file system of the operating system
	Logger *slog.Logger // nil logs nothing

	// Convert returns the records that replace a value of format 4: the JSON of an app
	// ('p'), of a token ('k') or of an entry of the audit trail ('w'). None of the records
	// has a condition. Appended ones get the number of the entry. Without Convert, only
	// data of the current format can be opened.
	Convert catalog.Converter

	readOnly bool // see Verify
	accept   bool // see Accept

	noSync     bool                     // tests: acknowledge changes before they are durable
	checkSpace time.Duration            // tests: how often the free space is measured
	flushBytes int                      // tests: unflushed bytes that start a flush
	idleTick   time.Duration            // tests: how often the store checks the load
	hook       func(written bool) error // tests: called before and after each commit; an error fails the commit
	renewIndex bool                     // tests: rewrite the index in every flush
	smallLogs  bool                     // tests: start new logs and manifests often
	columns    bool                     // tests: write tables in the columnar format
}

// minFree is the bytes of free space below which writes are refused. It leaves space
// for the log, the flush of all memory, and one or two compactions.
const minFree = 256 << 20

// checkSpaceEvery is how often the free space is measured.
const checkSpaceEvery = time.Second

// Sizes in Pebble. They are small, for a process that is mostly idle. Memory is allocated
// as needed.
const (
	cacheBytes    = 64 << 20 // allocated as needed; Pebble subtracts the size of memtables
	memtableBytes = 16 << 20 // the first memtable has 256 KiB, each next one twice as much; six logs are kept
	bytesPerSync  = 512 << 10
	baseBytes     = 1 << 30 // size of the base level; fewer levels mean fewer rewrites
	l0Flushes     = 32      // overlapping flushes that start a compaction under load: ten million new accounts
	l0Files       = 4000    // files that do; small ones of the journal are among them
	bloomBits     = 10      // per key, in level 0
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
		L0CompactionFileThreshold:   l0Files,
		L0StopWritesThreshold:       1000, // prefer slow reads to a stopped import
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
	// A key that is read exists, mostly at a lower level than the flushes. The filters of
	// the flushes avoid a read of each of them.
	p.Levels[0].FilterPolicy = bloom.FilterPolicy(bloomBits)
	p.Experimental.FileCacheShards = 2
	// A flush into rows takes less than half the time of one into columns. Tables in
	// columns remain readable.
	p.Experimental.EnableColumnarBlocks = func() bool { return o.columns }
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	// Pebble itself writes only the journal and records to level 0. The journal is dropped
	// soon.
	p.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	return p
}

// corrupt handles damage to a table. It fails a store that serves. A store that is being
// opened returns the error instead.
func (s *Store) corrupt(info pebble.DataCorruptionInfo) {
	if s.started.Load() {
		s.failure.Fail(fmt.Errorf("the file %s differs from what was written: %s", s.fs.PathBase(info.Path), firstLine(info.Details)))
	}
}

// writerOptions returns the options of the tables that a flush writes.
func (s *Store) writerOptions(compress bool) sstable.WriterOptions {
	o := s.pebble.MakeWriterOptions(0, s.db.TableFormat())
	if compress {
		o.Compression = s.pebble.Levels[1].Compression()
	}
	return o
}
