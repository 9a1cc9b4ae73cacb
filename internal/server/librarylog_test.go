package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"rollcall/internal/httpx"
	"rollcall/internal/testutil"
)

func TestLibraryLog(t *testing.T) {
	var b bytes.Buffer
	lg := libraryLog(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for text, level := range map[string]string{
		"http: TLS handshake error from 192.0.2.1:5: EOF":                    "DEBUG",
		"http: Accept error: too many open files; retrying in 5ms":           "WARN",
		"http: panic serving 192.0.2.1:5: runtime error\ngoroutine 1:\nmain": "ERROR",
	} {
		b.Reset()
		lg.Print(text)
		if got := b.String(); !strings.Contains(got, "level="+level+" ") || !strings.Contains(got, text[:20]) || strings.Count(got, "\n") != 1 {
			t.Errorf("%q is logged as %s want one line at level %s", text, got, level)
		}
	}
}

// A timeoutError is an error of Accept after which net/http retries.
type timeoutError struct{ error }

func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// TestAcceptErrorIsSeen checks that libraryLog recognizes the text with which net/http
// logs an error of Accept.
func TestAcceptErrorIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := newPipe("address one")
		p.broken <- timeoutError{errors.New("too many open files")}
		s := &Server{o: Options{Logger: testutil.Logger(t)}, listeners: []*listener{{
			Listener: httpx.NewListener(p, httpx.ListenerOptions{}),
			srv:      &http.Server{ErrorLog: libraryLog(slog.New(slog.NewTextHandler(&b, nil)))},
		}}}
		s.prepareComponents()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := b.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "too many open files") {
			t.Errorf("log = %q, want a warning", got)
		}
	})
}

var _ net.Error = timeoutError{}
