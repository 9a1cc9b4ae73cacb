package pebble

import (
	"bufio"

	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// writeBuffer is how many bytes of a table go to the system at once. Pebble's own files
// have a buffer of 4 KiB, which makes each block a call of the system.
const writeBuffer = 256 << 10

// A tableFile writes the files of a flush, one after the other, through one buffer.
type tableFile struct {
	file   vfs.File
	buffer *bufio.Writer
}

var _ objstorage.Writable = (*tableFile)(nil)

// begin makes file the one that is written to.
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
