package conformance

import (
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/httpx"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestTranscripts plays every transcript on several kinds of stores, and compares responses
// byte for byte. With
// -update it must rewrite the covers lines before TestCompatibility reads them, so its
// file must sort before that of TestCompatibility.
func TestTranscripts(t *testing.T) {
	k := newKeys(t)
	cat := readCatalogue(t)
	kinds := anystore.Kinds(t, anystore.Mem, anystore.Pebble, anystore.Postgres)
	if *update {
		kinds = kinds[:1]
	}
	for _, file := range transcriptFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			tr, err := readTranscript(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range kinds {
				t.Run(kind, func(t *testing.T) {
					tr.setup.store = newStore(t, kind)
					synctest.Test(t, func(t *testing.T) { tr.play(t, k) })
				})
			}
			covers := strings.Join(cat.shownBy(tr), " ")
			if *update {
				tr.covers = covers
				tr.write(t, file)
			} else if tr.covers != covers {
				t.Errorf("covers: %s\nwant it to be: %s", tr.covers, covers)
			}
		})
	}
}

func transcriptFiles(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no transcripts: %v", err)
	}
	return files
}

// play runs the steps of tr against a new server. It must be called in a bubble, whose
// time it sets to the clock of the transcript.
func (tr *transcript) play(t *testing.T, k *keys) {
	time.Sleep(time.Until(tr.setup.clock))
	p := serve(t, k, tr.setup)
	for _, s := range tr.steps {
		time.Sleep(s.sleep)
		got, h := s.send(t, k, p)
		if *update {
			s.response = got
		} else if got != s.response {
			t.Errorf("%s: %s %s\n got: %s\nwant: %s", s.name, s.method, s.target, got, s.response)
		}
		checkAdvice(t, s.name, got, h)
		for i, want := range s.headers {
			value := h.Get(want[0])
			if *update {
				s.headers[i][1] = value
			} else if value != want[1] {
				t.Errorf("%s: header %s = %q, want %q", s.name, want[0], value, want[1])
			}
		}
	}
}

// serve starts a server of net/http that stops at the end of the test.
func serve(t *testing.T, k *keys, s setup) *pipe {
	t.Helper()
	p, lg := newPipe(), testutil.Logger(t)
	srv := &http.Server{Handler: newHandler(t, lg, k, s)}
	l := httpx.NewListener(p, httpx.ListenerOptions{
		FaultResponse: api.Malformed,
		Logger:        lg,
	})
	stopped := make(chan error)
	go func() { stopped <- l.Serve(srv) }()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-stopped; err != http.ErrServerClosed {
			t.Errorf("serve: %v", err)
		}
	})
	return p
}

// send sends the request of s on a new connection, and returns the body and header of
// the response. It replaces the id of the request, which is always different, by a
// placeholder.
func (s *step) send(t *testing.T, k *keys, p *pipe) (string, http.Header) {
	t.Helper()
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives:  true,
			DisableCompression: true,
			// If a step expects 100-continue, a body that the server refuses unread is
			// not sent. Otherwise the response would race with the closed connection.
			ExpectContinueTimeout: time.Minute,
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				return p.dial(net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.from, 40000))), nil
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(s.request(t, k))
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	if got, want := resp.Status, "200 OK"; got != want {
		t.Errorf("%s: status %s, want %s", s.name, got, want)
	}
	if got, want := resp.Header.Get("Content-Type"), "application/json"; got != want {
		t.Errorf("%s: Content-Type %q, want %q", s.name, got, want)
	}
	id := resp.Header.Get(httpx.RequestIDHeader)
	if id == "" {
		t.Errorf("%s: no %s", s.name, httpx.RequestIDHeader)
	}
	return strings.ReplaceAll(string(body), id, "{{request-id}}"), resp.Header
}

func (s *step) request(t *testing.T, k *keys) *http.Request {
	t.Helper()
	host := "rollcall.example"
	if s.host != "" {
		host = s.host
	}
	target := "http://" + host + expand(t, k, s.target)
	r, err := http.NewRequestWithContext(t.Context(), s.method, target, strings.NewReader(expand(t, k, s.body)))
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	for _, h := range s.header {
		r.Header.Add(h[0], h[1])
	}
	return r
}
