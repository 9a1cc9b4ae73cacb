package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/internal/config"
)

// TestWatch checks the metrics of a store on disk before and after a backup, and after a
// restart.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := MakeDataDir(data); err != nil {
		t.Fatal(err)
	}
	start := func() *Server {
		s, err := openWith(t, Options{Config: config.Config{Store: "pebble:" + filepath.Join(data, "accounts"), Data: data}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	text := s.request(t, http.MethodGet, "/metrics", "")
	for _, want := range []string{`rollcall_disk_used_bytes [1-9]`, `rollcall_disk_free_bytes [1-9]`, `rollcall_last_backup_timestamp_seconds 0\n`} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	s.request(t, http.MethodPost, "/admin/v1/backup", `{"dir":"`+filepath.Join(dir, "copy")+`"}`)
	made := regexp.MustCompile(`rollcall_last_backup_timestamp_seconds [1-9].*`)
	if text := s.request(t, http.MethodGet, "/metrics", ""); !made.MatchString(text) {
		t.Errorf("no backup in\n%s", text)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s = start()
	if text := s.request(t, http.MethodGet, "/metrics", ""); !made.MatchString(text) {
		t.Errorf("no backup after a restart in\n%s", text)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}

// request calls the handler of the first address and returns the body of the response.
func (s *Server) request(t *testing.T, method, path, body string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+s.context.AdminToken)
	w := httptest.NewRecorder()
	s.listeners[0].srv.Handler.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %v\n%s", method, path, w.Code, err, b)
	}
	return string(b)
}
