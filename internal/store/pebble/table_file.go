package pebble

import (
	"bufio"

	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// writeBuffer is the size of a write to a table. The files of Pebble have a buffer of 4
// KiB, which takes a system call per block.
const writeBuffer = 256 << 10

// A tableFile writes the files of a flush, one at a time, through one buffer.
type tableFile struct {
	file   vfs.File
	buffer *bufio.Writer
}

var _ objstorage.Writable = (*tableFile)(nil)

// begin directs the following writes to file.
func (f *tableFile) begin(file vfs.File) {
	if f.buffer == nil {
		f.buffer = bufio.NewWriterSize(file, writeBuffer)
	}
	f.buffer.Reset(file)
	f.file = file
}

// Write implements [objstorage.Writable].
func (f *tableFile) Write(p []byte) error {
	_, err := f.buffer.Write(p)
	return err
}

// Finish implements [objstorage.Writable].
func (f *tableFile) Finish() error {
	err := f.buffer.Flush()
	if err == nil {
		err = f.file.Sync()
	}
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	return err
}

// Abort implements [objstorage.Writable].
func (f *tableFile) Abort() { _ = f.file.Close() }
