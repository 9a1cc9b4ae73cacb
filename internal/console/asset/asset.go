// Package asset contains the files of the console for browsers, and serves them.
package asset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed *.css *.js *.svg
var files embed.FS

// A file is what is served under a name.
type file struct {
	contentType string
	body        []byte
	compressed  []byte
}

var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// A set is all files and the version of all of them together. Modules import each other
// by their plain names, so one version must cover all of them.
type set struct {
	version string
	files   map[string]file
}

// load reads and compresses all files. A server whose console nobody visits does not.
var load = sync.OnceValue(func() *set {
	s := &set{files: map[string]file{}}
	sum := sha256.New()
	names, _ := fs.Glob(files, "*") // the pattern is right
	for _, name := range names {
		body, _ := files.ReadFile(name) // it is embedded
		sum.Write(body)
		s.files[name] = file{types[path.Ext(name)], body, compress(body)}
	}
	s.version = hex.EncodeToString(sum.Sum(nil)[:6])
	return s
})

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is right
	_, _ = w.Write(body)                                  // to memory
	_ = w.Close()
	return b.Bytes()
}

// Address returns the address of a file below prefix, which ends with a slash. It changes
// when any file does, so that browsers can keep the file.
func Address(prefix, name string) string { return prefix + load().version + "/" + name }

// Serve responds with the file at an address of [Address] without its prefix. A file of an
// older version is not found.
func Serve(w http.ResponseWriter, r *http.Request, address string) {
	version, name, _ := strings.Cut(address, "/")
	s := load()
	f, ok := s.files[name]
	if !ok || version != s.version {
		http.Error(w, "there is no such file; load the page again", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.compressed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client has gone; nothing is left to do
}
