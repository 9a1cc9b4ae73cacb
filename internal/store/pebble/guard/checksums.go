package guard

import (
	"errors"
	"hash/crc32"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Checksums records how many bytes of each log and manifest are durable, and their
// checksum, in the file [ChecksumsFile] beside them.
//
// Pebble cannot tell a damaged log or manifest from one whose last write a crash cut off.
// It reads as much as it can, treats that as the whole, and removes the tables that this
// part does not name. The record detects that: [ReadChecksums] refuses a directory that
// contains less than was recorded.
//
// A manifest is recorded at each sync. A log is recorded once a second and when the store
// is closed. A file is removed from the record before it is removed from the directory. So
// after a crash the files contain what is recorded, or more.
type Checksums struct {
	fs  vfs.FS
	dir string

	saving sync.Mutex // held during a save, so that saves are in order
	file   vfs.File   // nil until Enable
	seq    uint64     // of the newest save

	mu    sync.Mutex
	files map[string]*tracked
	dirty bool // since the newest save
}

// A tracked is one log or manifest.
type tracked struct {
	written sum // only the goroutine that writes the file uses it
	durable sum // guarded by Checksums.mu
}

// A sum is the length and the checksum of the first bytes of a file.
type sum struct {
	bytes int64
	crc   uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s sum) add(p []byte) sum {
	return sum{s.bytes + int64(len(p)), crc32.Update(s.crc, castagnoli, p)}
}

// NewChecksums returns an empty record of dir. It writes nothing until Enable is called.
func NewChecksums(fs vfs.FS, dir string) *Checksums {
	return &Checksums{fs: fs, dir: dir, files: map[string]*tracked{}}
}

// Enable creates the file of the record if there is none, and keeps it up to date from
// then on.
func (c *Checksums) Enable() error {
	c.saving.Lock()
	defer c.saving.Unlock()
	if c.file != nil {
		return nil
	}
	path := c.fs.PathJoin(c.dir, ChecksumsFile)
	if err := createRecord(c.fs, path, c.record()); err != nil {
		return err
	}
	c.seq++
	file, err := c.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	c.file = file
	return err
}

// Adopt records the logs and manifests of a directory that has no record. Pebble continues
// to write to an existing manifest until it needs a new one.
func (c *Checksums) Adopt() error {
	sums, err := sumsOf(c.fs, c.dir)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, s := range sums {
		c.files[name] = &tracked{durable: s}
	}
	return nil
}

// record returns what is durable now.
func (c *Checksums) record() record {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := record{Seq: c.seq + 1}
	for name, t := range c.files {
		if t.durable.bytes > 0 {
			r.Files = append(r.Files, recorded{name, t.durable.bytes, t.durable.crc})
		}
	}
	c.dirty = false
	return r
}

// LogLengths returns the durable length of each log, which covers everything that was
// acknowledged.
func (c *Checksums) LogLengths() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	lengths := map[string]int64{}
	for name, t := range c.files {
		if isLog(name) && t.durable.bytes > 0 {
			lengths[name] = t.durable.bytes
		}
	}
	return lengths
}

// Save writes the record if it has changed. It returns when the record is durable.
func (c *Checksums) Save() error {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	idle := c.file == nil || !c.dirty
	c.mu.Unlock()
	if idle {
		return nil
	}
	err := c.record().writeTo(c.file)
	if err != nil { // the next save writes to the same slot: the other one is whole
		c.mu.Lock()
		defer c.mu.Unlock()
		c.dirty = true
		return err
	}
	c.seq++
	return nil
}

// Watch saves the record once a second until stop is closed, and reports errors to es. An
// old record is still correct, but covers less.
func (c *Checksums) Watch(es *Errors, stop <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			if err := c.Save(); err != nil {
				es.Log(err)
			}
		}
	}
}

// Close saves the record and closes its file. Pebble must be closed before.
func (c *Checksums) Close() error {
	err := c.Save()
	c.saving.Lock()
	defer c.saving.Unlock()
	if c.file != nil {
		err = errors.Join(err, c.file.Close())
		c.file = nil
	}
	return err
}

// track starts to track a new, empty file.
func (c *Checksums) track(name string) *tracked {
	t := new(tracked)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[name] = t
	return t
}

// synced records that the first bytes of a file, of sum s, are durable.
func (c *Checksums) synced(t *tracked, s sum) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.durable, c.dirty = s, true
}

// drop removes a file from the record. The caller may remove the file itself once drop has
// returned nil.
func (c *Checksums) drop(name string) error {
	c.mu.Lock()
	_, ok := c.files[name]
	delete(c.files, name)
	c.dirty = c.dirty || ok
	c.mu.Unlock()
	if !ok {
		return nil
	}
	return c.Save()
}
