package importer

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"rollcall/client"
)

// TestUnknownWhileAway asks for an import that the server does not know yet, and is cut off
// when it asks whether there is the app. That is temporary; a missing app is not.
func TestUnknownWhileAway(t *testing.T) {
	var cut atomic.Bool
	cut.Store(true)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if cut.Load() {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"type":"not-found","status":404}`))
	}))
	defer srv.Close()
	api, err := client.NewAdmin(client.AdminOptions{BaseURL: srv.URL, Token: "rct_x", Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	s := &streamRun{api: api, job: &Job{App: 1400000001}}
	unknown := errors.New("no such import")
	if _, err := s.unknown(t.Context(), unknown); !temporary(err) {
		t.Errorf("%v, want an error that is temporary", err)
	}
	cut.Store(false)
	if _, err := s.unknown(t.Context(), unknown); err != unknown {
		t.Errorf("%v, want that of the import", err)
	}
}
