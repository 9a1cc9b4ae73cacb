package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("path %s", r.URL.Path)
		}
		w.WriteHeader(status)
		io.WriteString(w, "said\n")
	}))
	defer s.Close()
	for _, tt := range []struct {
		status int
		args   []string
		code   int
		want   string
	}{
		{http.StatusOK, []string{"--url", s.URL}, exitOK, "said\n"},
		{http.StatusServiceUnavailable, []string{"--url", s.URL + "/"}, exitFailure, "is not ready: status 503: said"},
		{http.StatusOK, []string{"--url", "http://127.0.0.1:1"}, exitFailure, "refused: start the server, or name its address"},
		{http.StatusOK, []string{"--url", "127.0.0.1:7581"}, exitBadUsage, "is no address"},
		{http.StatusOK, []string{"--timeout", "0s"}, exitBadUsage, "--timeout"},
	} {
		status = tt.status
		var out bytes.Buffer
		code := run(t.Context(), &environment{stdout: &out, stderr: &out}, append([]string{"healthcheck"}, tt.args...))
		if code != tt.code || !strings.Contains(out.String(), tt.want) {
			t.Errorf("healthcheck %q: code %d, want %d, with %q: %s", tt.args, code, tt.code, tt.want, &out)
		}
	}
}
