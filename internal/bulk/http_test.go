package bulk_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
	"rollcall/internal/testutil"
)

func (b *bench) changeApp(apply func(*account.App)) {
	b.Helper()
	app, err := b.dir.ChangeApp(b.Context(), "test", directory.AppChange{App: appID, Action: "app.change", Apply: func(a *account.App) error {
		apply(a)
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.app = app
}

// A served is a bench that is served over HTTP, with the timeouts of a server.
type served struct {
	*client.AdminClient
	url, token string
}

// serve serves the admin API.
func (b *bench) serve() *served {
	b.Helper()
	_, token, err := b.dir.CreateToken(b.Context(), "test", account.Token{Name: "test", Scopes: []account.Scope{account.ScopeWrite}})
	if err != nil {
		b.Fatal(err)
	}
	testutil.Secret(b, token)
	inner, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	l := httpx.NewListener(inner, httpx.ListenerOptions{Logger: testutil.Logger(b), Conns: httpx.NewConnLimit(64)})
	srv := &http.Server{
		Handler:     admin.New(admin.Options{Directory: b.dir, Imports: b.bulk, Logger: testutil.Logger(b)}),
		ReadTimeout: 200 * time.Millisecond, WriteTimeout: 200 * time.Millisecond,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Serve(srv)
	}()
	b.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	s := &served{url: "http://" + inner.Addr().String(), token: token}
	if s.AdminClient, err = client.NewAdmin(client.AdminOptions{BaseURL: s.url, Token: token}); err != nil {
		b.Fatal(err)
	}
	return s
}

// TestStreamOverHTTP cuts a stream, goes on with it slower than the timeouts of the server
// allow other requests to be, and repeats the end.
func TestStreamOverHTTP(t *testing.T) {
	b := newBench(t, engines(t)["pebble"])
	b.rows = 3
	b.restart()
	s := b.serve()
	var lines strings.Builder
	for i := range 10 {
		fmt.Fprintf(&lines, "{\"userid\":\"user%d\"}\n", i)
	}
	body := lines.String()
	rnd := rand.New(rand.NewPCG(1, 1))
	if i, err := s.ImportStream(t.Context(), appID, key, 1, cut(rnd, body, 100)); err == nil {
		t.Errorf("a cut stream returns %+v", i)
	}
	for {
		if _, err := s.ImportStream(t.Context(), appID, key, 1000, strings.NewReader("")); !isProblem(err, client.SlugConflict) {
			t.Fatalf("a gap: %v", err)
		} else if strings.Contains(err.Error(), "comes next") {
			break // the server has noticed the end of the cut request
		}
	}
	i, err := s.Import(t.Context(), appID, key)
	if isProblem(err, client.SlugNotFound) {
		t.Skip("the client ended before a very slow server began")
	}
	if err != nil || i.State != client.ImportOpen || i.Row < 3 || i.Row > 5 {
		t.Fatalf("%+v, %v after the cut", i, err)
	}
	slow := &slowReader{strings.NewReader(body), 50 * time.Millisecond}
	done, err := s.ImportStream(t.Context(), appID, key, 1, slow)
	if err != nil || done.State != client.ImportDone || done.Row != 10 || done.Created != 10 {
		t.Errorf("%+v, %v", done, err)
	}
	again, err := s.ImportStream(t.Context(), appID, key, 100, strings.NewReader("nonsense"))
	if err != nil || again.FinishedAt != done.FinishedAt || again.Row != 10 {
		t.Errorf("repeated: %+v, %v", again, err)
	}
}

func isProblem(err error, slug string) bool {
	p, ok := errors.AsType[*client.Problem](err)
	return ok && p.Slug == slug
}

// A slowReader returns a few bytes at a time, with pauses.
type slowReader struct {
	r     io.Reader
	pause time.Duration
}

func (s *slowReader) Read(p []byte) (int, error) {
	<-time.After(s.pause)
	return s.r.Read(p[:min(len(p), 20)])
}

// TestStreamCompressed sends compressed bodies, whole and damaged ones, with a long line of
// little size.
func TestStreamCompressed(t *testing.T) {
	body := "{\"userid\":\"alice\"}\n" + strings.Repeat("x", 1<<22) + "\n{\"userid\":\"bob\"}\n"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for encoding, data := range map[string][]byte{"gzip": zipped.Bytes(), "zstd": e.EncodeAll([]byte(body), nil), "identity": []byte(body)} {
		t.Run(encoding, func(t *testing.T) {
			b := newBench(t, engines(t)["mem"])
			s := b.serve()
			if encoding != "identity" {
				for what, bad := range map[string][]byte{"cut": data[:len(data)-3], "damaged": append([]byte("no"), data...), "empty": nil} {
					if status, resp := s.post(t, encoding, bad); status != http.StatusBadRequest || !strings.Contains(resp, "decompressed") {
						t.Errorf("%s: %d %s", what, status, resp)
					}
				}
			}
			if status, resp := s.post(t, encoding, data); status != http.StatusOK {
				t.Fatalf("%d %s", status, resp)
			}
			want := adminapi.Import{State: adminapi.ImportDone, Row: 3, Imported: 2, Created: 2, Failed: 1}
			checkImport(t, b, b.imp(), &want)
			if rs := b.rejected(10); len(rs) != 1 || rs[0].Row != 2 || rs[0].Code != 0 {
				t.Errorf("%+v", rs)
			}
		})
	}
	s := newBench(t, engines(t)["mem"]).serve()
	if status, resp := s.post(t, "br", nil); status != http.StatusBadRequest {
		t.Errorf("an unknown encoding: %d %s", status, resp)
	}
}

// post sends a body of an encoding as the import key.
func (s *served) post(t *testing.T, encoding string, body []byte) (int, string) {
	t.Helper()
	req := testutil.NewRequest(t, "POST", fmt.Sprintf("%s/admin/v1/apps/%d/accounts:import", s.url, appID), s.token, string(body))
	req.Header.Set("Idempotency-Key", key)
	req.Header.Set("Content-Encoding", encoding)
	resp, text := testutil.Do(t, http.DefaultClient, req)
	return resp.StatusCode, text
}

// TestStreamSilence ends a stream whose client sends nothing more. Its rows stay.
func TestStreamSilence(t *testing.T) {
	b := newBench(t, engines(t)["mem"])
	s := b.serve()
	b.bulk.SetSilence(300 * time.Millisecond)
	r, w := io.Pipe()
	go func() { _, _ = io.WriteString(w, "{\"userid\":\"alice\"}\n{\"userid\":\"bob\"}\n{\"user") }()
	_, err := s.ImportStream(t.Context(), appID, key, 1, r)
	_ = w.Close()
	if err == nil {
		t.Fatal("a silent client was not ended")
	}
	for {
		i, err := s.ImportStream(t.Context(), appID, key, 3, strings.NewReader("{\"userid\":\"carol\"}"))
		if err == nil {
			if i.Row != 3 || i.Created != 3 {
				t.Errorf("%+v", i)
			}
			break
		}
		if !isProblem(err, client.SlugConflict) {
			t.Fatal(err)
		}
	}
}
