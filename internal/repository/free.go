package repository

import "github.com/cockroachdb/pebble/v2/vfs"

// free returns the free space of the file system of dir, in bytes.
func free(dir string) (uint64, error) {
	usage, err := vfs.Default.GetDiskUsage(dir)
	return usage.AvailBytes, err
}
