package guard

import (
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// CutLogs truncates the copies of logs in dir to the lengths that were durable before the
// copies were made. It removes copies that have no such length. Pebble copies a log while
// it writes to it: the bytes after the durable length may be half of a write followed by
// the next one, which a reader treats as damage. The bytes before it no longer change.
func CutLogs(fs vfs.FS, dir string, lengths map[string]int64) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !isLog(name) {
			continue
		}
		path := fs.PathJoin(dir, name)
		if n := lengths[name]; n == 0 {
			err = fs.Remove(path)
		} else {
			err = cut(fs, path, n)
		}
		if err != nil {
			return err
		}
	}
	return SyncDir(fs, dir)
}

// cut truncates a file to its first n bytes, by replacing it.
func cut(fs vfs.FS, path string, n int64) error {
	whole, err := fs.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	part := path + ".dbtmp"
	out, err := fs.Create(part, vfs.WriteCategoryUnspecified)
	if err != nil {
		return errors.Join(err, whole.Close())
	}
	_, err = io.CopyN(struct{ io.Writer }{out}, whole, n)
	if err = errors.Join(err, out.Sync(), out.Close(), whole.Close()); err != nil {
		return err
	}
	return fs.Rename(part, path)
}
