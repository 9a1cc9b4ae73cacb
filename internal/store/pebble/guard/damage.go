package guard

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// ChecksumsFile is the name of the file with the lengths and checksums of the logs and the
// manifest of a store.
const ChecksumsFile = "CHECKSUMS"

// A Damage describes what is missing from the directory of a store, or differs from what
// was written. It is a clause without a full stop.
type Damage string

func (d Damage) Error() string { return string(d) }

func damagef(format string, args ...any) error { return Damage(fmt.Sprintf(format, args...)) }

// ReadChecksums compares the logs and the manifest in dir with their record. It changes
// nothing. It returns one of these:
//   - the record, which is enabled unless readOnly is set
//   - nil, if dir has no record, because it contains no store or one of an older version
//   - a [Damage], if a file contains less than was recorded
func ReadChecksums(fs vfs.FS, dir string, readOnly bool) (*Checksums, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	if err := checkMarkers(names); err != nil {
		return nil, err
	}
	if !slices.Contains(names, ChecksumsFile) {
		return nil, nil
	}
	r, err := openRecord(fs, fs.PathJoin(dir, ChecksumsFile))
	if err != nil {
		return nil, err
	}
	if err := r.compare(fs, dir); err != nil {
		return nil, err
	}
	return resume(fs, dir, r, readOnly)
}

// resume continues with the record r.
func resume(fs vfs.FS, dir string, r record, readOnly bool) (c *Checksums, err error) {
	c = NewChecksums(fs, dir)
	c.seq = r.Seq
	for _, f := range r.Files {
		c.files[f.Name] = &tracked{durable: sum{f.Bytes, f.CRC}}
	}
	if !readOnly {
		c.file, err = fs.OpenReadWrite(fs.PathJoin(dir, ChecksumsFile), vfs.WriteCategoryUnspecified)
	}
	return c, err
}

func openRecord(fs vfs.FS, path string) (record, error) {
	f, err := fs.Open(path)
	if err != nil {
		return record{}, err
	}
	r, ok, err := readRecord(f)
	if err = errors.Join(err, f.Close()); err == nil && !ok {
		err = damagef("the file %s cannot be read", ChecksumsFile)
	}
	return r, err
}

// CreateChecksums records the logs and manifests in dir as they are. It is for a copy that
// no process writes to.
func CreateChecksums(fs vfs.FS, dir string) error {
	sums, err := sumsOf(fs, dir)
	if err != nil {
		return err
	}
	var r record
	for name, s := range sums {
		r.Files = append(r.Files, recorded{name, s.bytes, s.crc})
	}
	return createRecord(fs, fs.PathJoin(dir, ChecksumsFile), r)
}

// sumsOf returns the sums of the logs and manifests in dir.
func sumsOf(fs vfs.FS, dir string) (map[string]sum, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	sums := map[string]sum{}
	for _, name := range names {
		if !Guarded(name) {
			continue
		}
		if sums[name], err = sumOf(fs, fs.PathJoin(dir, name), -1); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// Guarded reports whether name is the name of a log or a manifest of Pebble.
func Guarded(name string) bool { return isLog(name) || isManifest(name) }

func isLog(name string) bool {
	number, ok := strings.CutSuffix(name, ".log")
	return ok && isNumber(number)
}

func isManifest(name string) bool {
	number, ok := strings.CutPrefix(name, "MANIFEST-")
	return ok && isNumber(number)
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

// checkMarkers refuses a directory that contains the files of a store but not the markers
// that point to them: Pebble would create an empty store there. A first start creates the
// marker of the manifest before the first log, and the marker of the format before the
// first table and the record.
func checkMarkers(names []string) error {
	table := func(n string) bool { return strings.HasSuffix(n, ".sst") }
	for _, m := range []struct {
		marker string
		needed func(string) bool // by a file of this name
	}{
		{"marker.manifest.", func(n string) bool { return isLog(n) || table(n) }},
		{"marker.format-version.", func(n string) bool { return n == ChecksumsFile || table(n) }},
	} {
		marked := slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, m.marker) })
		if !marked && slices.ContainsFunc(names, m.needed) {
			return damagef("the file %s* is missing: it was removed, or the directory is a copy that was cut off", m.marker)
		}
	}
	return nil
}

// compare returns a [Damage] if the files in dir contain less than r says. It checks only
// the current manifest: a crash may have left other ones incomplete.
func (r record) compare(fs vfs.FS, dir string) error {
	current, err := atomicfs.ReadMarker(fs, dir, "manifest")
	if err != nil {
		return damagef("its markers cannot be read: %v", err)
	}
	found := false
	for _, f := range r.Files {
		if isManifest(f.Name) && f.Name != current {
			continue
		}
		found = found || f.Name == current
		if err := f.compare(fs, dir); err != nil {
			return err
		}
	}
	if current != "" && !found {
		return damagef("its marker names the manifest %s, which was never recorded", current)
	}
	if current == "" && len(r.Files) > 0 {
		return damagef("the file marker.manifest.* is missing")
	}
	return nil
}

func (f recorded) compare(fsys vfs.FS, dir string) error {
	s, err := sumOf(fsys, fsys.PathJoin(dir, f.Name), f.Bytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return damagef("the file %s is missing", f.Name)
	case err != nil:
		return err
	case s.bytes < f.Bytes:
		return damagef("the file %s has %d bytes, of the %d that were written", f.Name, s.bytes, f.Bytes)
	case s.crc != f.CRC:
		return damagef("the file %s differs from what was written, somewhere in its first %d bytes", f.Name, f.Bytes)
	}
	return nil
}

// sumOf returns the sum of the first n bytes of a file, or of the whole file if n is
// negative.
func sumOf(fs vfs.FS, path string, n int64) (s sum, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var r io.Reader = f
	if n >= 0 {
		r = io.LimitReader(f, n)
	}
	for buf := make([]byte, 256<<10); ; {
		k, err := r.Read(buf)
		s = s.add(buf[:k])
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, err
		}
	}
}
