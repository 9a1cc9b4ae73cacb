package bulk_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/api"
	"rollcall/internal/bulk"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
	"rollcall/internal/records"
	"rollcall/internal/store/pebble"
	"rollcall/internal/testutil"
)

// BenchmarkStream sends a stream of new accounts over the loopback interface to a store on
// disk. One operation is one account.
func BenchmarkStream(b *testing.B) {
	engine, err := pebble.Open(b.Context(), pebble.Options{Dir: filepath.Join(b.TempDir(), "store")})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	rs := records.New(engine, nil)
	dir := directory.New(directory.Options{Engine: engine, Records: rs})
	if _, err := dir.CreateApp(b.Context(), "test", account.App{ID: appID, Edition: account.Development}); err != nil {
		b.Fatal(err)
	}
	_, token, err := dir.CreateToken(b.Context(), "test", account.Token{Name: "test", Scopes: []account.Scope{account.ScopeAdmin}})
	if err != nil {
		b.Fatal(err)
	}
	handler := admin.New(admin.Options{
		Directory: dir, Imports: bulk.New(bulk.Options{Directory: dir, Records: rs, Reason: api.ImportReason}), Logger: testutil.Logger(b),
	})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	l := httpx.NewListener(inner, httpx.ListenerOptions{Logger: testutil.Logger(b)})
	srv := &http.Server{Handler: handler}
	go func() { _ = l.Serve(srv) }()
	defer srv.Close()
	c, err := client.NewAdmin(client.AdminOptions{BaseURL: "http://" + inner.Addr().String(), Token: token})
	if err != nil {
		b.Fatal(err)
	}
	body := &rows{n: b.N}
	b.ResetTimer()
	done, err := c.ImportStream(b.Context(), appID, "bench", 1, body)
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
