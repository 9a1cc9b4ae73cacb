package console

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"
	"github.com/klauspost/compress/gzip"
)

// minCompressed is the length in bytes from which on a page is compressed. A shorter one
// fits into few packets anyway.
const minCompressed = 4 << 10

// compressors are writers that compress at the highest speed. A page of 50 kB becomes one of
// 5 to 8 kB.
var compressors = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is right
	return w
}}

// compressed returns page, compressed.
func compressed(page []byte) []byte {
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, _ = w.Write(page) // to memory
	_ = w.Close()
	return b.Bytes()
}

// render writes a page.
func (v *visit) render(status int, page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(v.ctx, &b); err != nil {
		return err
	}
	h, body := v.w.Header(), b.Bytes()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	if len(body) >= minCompressed && strings.Contains(v.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = compressed(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	v.w.WriteHeader(status)
	_, _ = v.w.Write(body) // the client has gone; nothing is left to do
	return nil
}
