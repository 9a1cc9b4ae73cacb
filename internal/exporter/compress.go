package exporter

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Ways to compress.
const (
	Gzip = "gzip"
	Zstd = "zstd"
)

// CompressionOf returns the way that the ending of a file's name asks for, or "".
func CompressionOf(name string) string {
	switch {
	case strings.HasSuffix(name, ".gz"):
		return Gzip
	case strings.HasSuffix(name, ".zst"), strings.HasSuffix(name, ".zstd"):
		return Zstd
	}
	return ""
}

// Compress returns a writer that compresses in a way, on all processors, and writes to w.
// Close ends the compressed data and does not close w.
func Compress(w io.Writer, way string) (io.WriteCloser, error) {
	switch way {
	case "":
		return plain{w}, nil
	case Gzip:
		return newGzip(w, runtime.GOMAXPROCS(0)), nil
	case Zstd:
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	}
	return nil, fmt.Errorf("%q is no way to compress", way)
}

// plain is a writer that compresses nothing.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// gzipBlock is how many bytes a goroutine compresses at once.
const gzipBlock = 1 << 20

// A gzipWriter compresses blocks in parallel. Each becomes a member of its own: a gzip file
// may have many (RFC 1952, 2.2).
type gzipWriter struct {
	w     io.Writer
	block []byte
	queue chan chan *bytes.Buffer // results in the order of their blocks
	done  chan struct{}
	err   error // of writing; valid after done
}

func newGzip(w io.Writer, workers int) *gzipWriter {
	z := &gzipWriter{w: w, block: make([]byte, 0, gzipBlock), queue: make(chan chan *bytes.Buffer, workers), done: make(chan struct{})}
	go z.write()
	return z
}

// write writes compressed blocks in order.
func (z *gzipWriter) write() {
	defer close(z.done)
	for result := range z.queue {
		if _, err := z.w.Write((<-result).Bytes()); err != nil {
			z.err = err
			return
		}
	}
}

// Write implements [io.Writer].
func (z *gzipWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), cap(z.block)-len(z.block))
		z.block = append(z.block, rest[:n]...)
		rest = rest[n:]
		if len(z.block) == cap(z.block) {
			if err := z.submit(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// submit compresses the block in a goroutine.
func (z *gzipWriter) submit() error {
	block, result := z.block, make(chan *bytes.Buffer, 1)
	select {
	case z.queue <- result:
	case <-z.done:
		return z.err
	}
	z.block = make([]byte, 0, gzipBlock)
	go func() {
		b := bytes.NewBuffer(make([]byte, 0, len(block)/3))
		gz, _ := gzip.NewWriterLevel(b, gzip.BestSpeed) // the level is valid
		_, _ = gz.Write(block)                          // a buffer takes everything
		_ = gz.Close()
		result <- b
	}()
	return nil
}

// Close implements [io.Closer].
func (z *gzipWriter) Close() error {
	err := z.submit() // an empty block is a valid member
	close(z.queue)
	<-z.done
	if err == nil {
		err = z.err
	}
	return err
}
