package recording

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/testutil"
)

// recorderOf returns a session with a recorder in front of h, over TLS and HTTP/2.
func recorderOf(t *testing.T, h http.HandlerFunc) *session {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := NewTransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	t.Cleanup(transport.CloseIdleConnections)
	file := filepath.Join(t.TempDir(), "calls.ndjson")
	rec, err := NewRecorder(Options{To: target, File: file, Transport: transport, Logger: testutil.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(rec)
	t.Cleanup(front.Close)
	return &session{T: t, recorder: rec, front: front, url: front.URL, file: file}
}

// exchanges closes the recording and returns its calls.
func (s *session) exchanges() []*Exchange {
	s.Helper()
	s.close()
	rec, err := Open(s.file)
	if err != nil {
		s.Fatal(err)
	}
	var all []*Exchange
	for e, err := range rec.Exchanges() {
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// TestForward checks that requests and responses pass unchanged, over HTTP/2, and that
// only calls of the protocol are recorded.
func TestForward(t *testing.T) {
	const path, query, body = "//v4/x%2Fy/z", "a=1;b&usersig=%zz&&c", "any \xff bytes"
	var seen *http.Request
	var received []byte
	s := recorderOf(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		received, _ = io.ReadAll(r.Body)
		w.Header().Set("Server", "nginx")
		w.Header().Set("Content-Type", "text/html; charset=GBK")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "<html>\xc4\xe3</html>")
	})
	for _, p := range []string{path, "/status"} {
		req := testutil.NewRequest(t, http.MethodPost, s.url+p+"?"+query, "a token", body)
		req.Header.Set("X-Forwarded-For", "192.0.2.1")
		resp, got := testutil.Do(t, http.DefaultClient, req)
		if resp.StatusCode != http.StatusTeapot || got != "<html>\xc4\xe3</html>" || resp.Header.Get("Server") != "nginx" {
			t.Errorf("response %d %q %v", resp.StatusCode, got, resp.Header)
		}
		if seen.RequestURI != p+"?"+query || string(received) != body || seen.Header.Get("X-Forwarded-For") != "192.0.2.1" || seen.Header.Get("Authorization") != "Bearer a token" {
			t.Errorf("request %s %q %v", seen.RequestURI, received, seen.Header)
		}
		if seen.Header.Get("Accept-Encoding") != "gzip" { // of the client
			t.Errorf("Accept-Encoding %q", seen.Header.Get("Accept-Encoding"))
		}
	}
	all := s.exchanges()
	if len(all) != 1 {
		t.Fatalf("%d calls, want 1", len(all))
	}
	got := all[0].Response
	if got.Status != http.StatusTeapot || got.Proto != "HTTP/2.0" || got.ContentType != "text/html; charset=GBK" || len(got.Bytes) != len("<html>\xc4\xe3</html>") {
		t.Errorf("recorded %+v", got)
	}
}

// TestStream checks that the beginning of a response passes before its end is there.
func TestStream(t *testing.T) {
	more := make(chan struct{})
	s := recorderOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush()
		<-more
		_, _ = io.WriteString(w, "last")
	})
	resp, err := http.DefaultClient.Do(testutil.NewRequest(t, http.MethodPost, s.url+"/v4/a/b", "", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, len("first"))
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
		t.Errorf("%q, %v", first, err)
	}
	close(more)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "last" {
		t.Errorf("%q, %v", rest, err)
	}
	if all := s.exchanges(); len(all) != 1 {
		t.Errorf("%d calls", len(all))
	}
}

// TestBodies records bodies that are compressed, too long, or cut off.
func TestBodies(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, `{"ErrorCode":0}`)
	_ = z.Close()
	long := strings.Repeat(" ", maxBody+1)
	s := recorderOf(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/v4/a/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		case "/v4/a/br":
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, "alice")
		case "/v4/a/cut":
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "alice")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/v4/a/long":
			_, _ = w.Write(got)
		}
	})
	send := func(name, body string, header ...string) {
		t.Helper()
		req := testutil.NewRequest(t, http.MethodPost, s.url+"/v4/a/"+name, "", body)
		req.Header.Set("Accept-Encoding", "gzip, br")
		if len(header) > 0 {
			req.Header.Set(header[0], header[1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if name == "long" && string(got) != body || name == "gzip" && !bytes.Equal(got, zipped.Bytes()) {
			t.Errorf("%s: the response has %d bytes: %v", name, len(got), err)
		}
	}
	send("gzip", "{}")
	send("br", "{}")
	send("cut", "{}")
	send("long", long)
	send("none", "alice", "Content-Encoding", "gzip")
	send("none", "")
	var got []string
	for _, e := range s.exchanges() {
		got = append(got, fmt.Sprintf("%s|%s%s|%s%s", e.command(), e.Request.raw(), e.Request.Omitted, e.Response.raw(), e.Response.Omitted))
	}
	want := []string{
		`gzip|{}|{"ErrorCode":0}`, "br|{}|" + compressed, "cut|{}|" + cutShort, "long|" + tooLong + "|" + tooLong, "none|" + compressed + "|", "none||",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A watchedWriter calls watch before each write.
type watchedWriter struct {
	*httptest.ResponseRecorder
	watch func()
}

// Write implements [io.Writer].
func (w watchedWriter) Write(p []byte) (int, error) {
	w.watch()
	return w.ResponseRecorder.Write(p)
}

// An endpoint is a transport that answers with a body of known length.
type endpoint string

// RoundTrip implements [http.RoundTripper].
func (e endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: req,
		ContentLength: int64(len(e)), Body: io.NopCloser(strings.NewReader(string(e))),
	}, nil
}

// TestOrder checks that a call is recorded before the client has the whole response, so
// that the client's next call comes after it.
func TestOrder(t *testing.T) {
	rec, err := NewRecorder(Options{
		To: &url.URL{Scheme: "http", Host: "rollcall.example"}, File: filepath.Join(t.TempDir(), "calls.ndjson"),
		Transport: endpoint("{}"), Logger: testutil.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	writes := 0
	w := watchedWriter{httptest.NewRecorder(), func() {
		if writes++; rec.Calls() != 1 {
			t.Error("the client receives a response that is not recorded")
		}
	}}
	rec.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v4/a/b", strings.NewReader("{}")))
	if writes != 1 || w.Body.String() != "{}" {
		t.Errorf("%d writes, %q", writes, w.Body)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestUnreachable forwards to an endpoint that does not answer.
func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s := newSession(t, gone.URL, nil)
	resp, body := testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, http.MethodPost, s.url+"/v4/a/b?usersig=secret_of_nobody", "", "{}"))
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, "did not answer") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	if all := s.exchanges(); len(all) != 0 {
		t.Errorf("%d calls", len(all))
	}
}

// TestFile checks that no file is replaced, and what happens when one cannot be written.
func TestFile(t *testing.T) {
	s := recorderOf(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "{}") })
	if _, err := NewRecorder(Options{To: s.recorder.o.To, File: s.file, Logger: testutil.Logger(t)}); err == nil || !strings.Contains(err.Error(), "choose another name") {
		t.Errorf("an existing file: %v", err)
	}
	s.recorder.file.Close()
	if resp, body := testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, http.MethodPost, s.url+"/v4/a/b", "", "{}")); resp.StatusCode != http.StatusOK || body != "{}" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	if err := s.recorder.Close(); err == nil || !strings.Contains(err.Error(), "ends after 0 calls") {
		t.Errorf("Close: %v", err)
	}
}

// TestHeader checks the first line.
func TestHeader(t *testing.T) {
	to := &url.URL{Scheme: "https", Host: "Console.tim.qq.com:443"}
	file := filepath.Join(t.TempDir(), "calls.ndjson")
	rec, err := NewRecorder(Options{To: to, File: file, By: "v1", Logger: testutil.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var h Header
	if err := json.Unmarshal(b, &h); err != nil || h.Format != Format || h.Version != 1 || h.Endpoint != "console.tim.qq.com" || h.RecordedBy != "v1" || h.RecordedAt.IsZero() {
		t.Errorf("%s: %v", b, err)
	}
	if name := endpointName(&url.URL{Host: "rollcall.private.example"}); name != "other" {
		t.Errorf("endpoint %q", name)
	}
}

// TestReplayErrors replays without an app, with a wrong key, and without a server.
func TestReplayErrors(t *testing.T) {
	s := recorderOf(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "{}") })
	s.close()
	rec, err := Open(s.file)
	if err != nil {
		t.Fatal(err)
	}
	report := func(Difference) error { return nil }
	if _, err := Replay(context.Background(), rec, Target{URL: s.url}, report); err == nil || !strings.Contains(err.Error(), "names an app") {
		t.Errorf("without an app: %v", err)
	}
	if sum, err := Replay(context.Background(), rec, Target{URL: "http://127.0.0.1:1", SDKAppID: 1}, report); err == nil || sum != nil {
		t.Errorf("without a server: %v", err)
	}
}
