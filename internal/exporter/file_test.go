package exporter

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestCompress(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for way, open := range map[string]func(io.Reader) (io.Reader, error){
		"":   func(r io.Reader) (io.Reader, error) { return r, nil },
		Gzip: func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		Zstd: func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		for _, size := range []int{0, 1, gzipBlock - 1, gzipBlock, gzipBlock + 1, 7*gzipBlock + 5} {
			want := make([]byte, size)
			for i := range want {
				want[i] = byte(rnd.IntN(4))
			}
			var b bytes.Buffer
			z, err := Compress(&b, way)
			if err != nil {
				t.Fatal(err)
			}
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 1+rnd.IntN(300_000))
				if m, err := z.Write(rest[:n]); m != n || err != nil {
					t.Fatal(m, err)
				}
				rest = rest[n:]
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := open(&b)
			if err != nil {
				t.Fatalf("%s of %d bytes: %v", way, size, err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s of %d bytes: %d bytes, %v", way, size, len(got), err)
			}
		}
	}
	if _, err := Compress(nil, "rar"); err == nil {
		t.Error("rar is accepted")
	}
}

var errFull = errors.New("full")

// A fullWriter fails after some bytes.
type fullWriter int

func (w *fullWriter) Write(p []byte) (int, error) {
	if *w -= fullWriter(len(p)); *w < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestCompressFull compresses into a writer that fails. The error comes at the end at the
// latest, and no goroutine waits for ever.
func TestCompressFull(t *testing.T) {
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for _, way := range []string{"", Gzip, Zstd} {
		for _, room := range []int{0, 1 << 20} {
			w := fullWriter(room)
			z, err := Compress(&w, way)
			for part := range slices.Chunk(noise, 300_000) {
				if err == nil {
					_, err = z.Write(part)
				}
			}
			if closed := z.Close(); !errors.Is(errors.Join(err, closed), errFull) {
				t.Errorf("%q with room for %d bytes: %v, %v", way, room, err, closed)
			}
		}
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out.csv")
	write := func(replace bool, text string) *File {
		t.Helper()
		f, err := Create(name, replace)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
		return f
	}
	check := func(want string, files int) {
		t.Helper()
		got, err := os.ReadFile(name)
		if want == "" != errors.Is(err, fs.ErrNotExist) || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		if all, _ := os.ReadDir(dir); len(all) != files {
			t.Errorf("%d files, want %d: %v", len(all), files, all)
		}
	}
	f := write(false, "a")
	check("", 1)
	f.Abort()
	check("", 0)
	f = write(false, "a")
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	check("a", 1)
	if info, _ := os.Stat(name); info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if _, err := Create(name, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that exists: %v", err)
	}
	f = write(true, "b")
	check("a", 2)
	f.Abort()
	check("a", 1)
	if err := write(true, "b").Commit(); err != nil {
		t.Fatal(err)
	}
	check("b", 1)
	if _, err := Create(dir, true); err == nil {
		t.Error("a directory is accepted")
	}
	if _, err := Create(filepath.Join(dir, "none", "x"), true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that does not exist: %v", err)
	}
	null, err := Create(os.DevNull, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := null.Commit(); err != nil {
		t.Error(err)
	}
}

func TestCompressionOf(t *testing.T) {
	for name, want := range map[string]string{"": "", "a.csv": "", "a.csv.gz": Gzip, "a.zst": Zstd, "a.zstd": Zstd, "gz": ""} {
		if got := CompressionOf(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
