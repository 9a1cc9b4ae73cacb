package open

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/store/pebble/guard"
)

// IsStore reports whether dir itself contains the files of an embedded store, and is not a
// data directory with one in it.
func IsStore(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return storeFile(e.Name()) })
}

func storeFile(name string) bool {
	return name == guard.ChecksumsFile || strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "OPTIONS-") || strings.HasPrefix(name, "marker.")
}

// Disk returns the size of all files in dir and the free space of its file system, in
// bytes.
func Disk(dir string) (used, free uint64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil // removed meanwhile
		}
		used += uint64(info.Size())
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	free, err = Free(dir)
	return used, free, err
}

// Free returns the free space of the file system of dir, in bytes.
func Free(dir string) (uint64, error) {
	usage, err := vfs.Default.GetDiskUsage(dir)
	return usage.AvailBytes, err
}
