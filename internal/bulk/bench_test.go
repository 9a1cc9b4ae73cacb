package bulk_test

import (
	"bytes"
	"fmt"
	"testing"

	"rollcall/internal/account"
)

// BenchmarkStream sends a stream of new accounts over the loopback interface to a store on
// disk. One operation is one account.
func BenchmarkStream(b *testing.B) {
	w := newBench(b, engines(b)["pebble"])
	w.changeApp(func(a *account.App) { a.Settings.Quota, a.Settings.Words = 0, nil })
	c := w.serve()
	body := &rows{n: b.N}
	b.ResetTimer()
	done, err := c.ImportStream(b.Context(), appID, key, 1, body)
	if err != nil || done.Created != int64(b.N) {
		b.Fatal(done, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// rows is a body of new accounts.
type rows struct {
	n, next int
	buf     bytes.Buffer
}

func (r *rows) Read(p []byte) (int, error) {
	for r.buf.Len() < len(p) && r.next < r.n {
		fmt.Fprintf(&r.buf, "{\"userid\":\"user%09d\",\"nick\":\"Nick %d\",\"face_url\":\"https://example.com/%d.png\"}\n", r.next, r.next, r.next)
		r.next++
	}
	return r.buf.Read(p)
}
