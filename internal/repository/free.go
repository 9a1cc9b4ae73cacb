package repository

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// free returns the free space of the file system of dir, in bytes.
func free(dir string) (uint64, error) {
	usage, err := vfs.Default.GetDiskUsage(dir)
	return usage.AvailBytes, err
}

// remedied returns err, which a write to a directory has returned, with what to do.
func remedied(err error) error {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return err
	}
	switch errno {
	case syscall.ENOSPC, syscall.EDQUOT:
		return fmt.Errorf("%w; free some space, or choose another disk", err)
	case syscall.EACCES, syscall.EPERM:
		return fmt.Errorf("%w; let the user of this process write there, or choose another directory", err)
	case syscall.EROFS:
		return fmt.Errorf("%w; choose a file system that can be written", err)
	}
	return err
}
