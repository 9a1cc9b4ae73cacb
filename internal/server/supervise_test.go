package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// A slowStore is a store whose check of readiness takes a time or never ends.
type slowStore struct {
	account.Engine
	ready func(ctx context.Context) error
}

func (s slowStore) Ready(ctx context.Context) error { return s.ready(ctx) }

// TestLives checks which stores let the watchdog end the server: only one that does not
// return, and not one that fails or that waits for its context.
func TestLives(t *testing.T) {
	const limit = 20 * time.Second
	for name, tt := range map[string]struct {
		ready  func(ctx context.Context) error
		within time.Duration // longest time until the watchdog is told; 0: it is not told
	}{
		"works":               {func(context.Context) error { return nil }, 1},
		"fails":               {func(context.Context) error { return errors.New("full") }, 1},
		"waits for a context": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, limit / 2},
		"hangs":               {func(context.Context) error { time.Sleep(10 * limit); return nil }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := &Server{o: Options{Logger: slog.New(slog.NewTextHandler(testutil.Keep(t, &log), nil))}}
				s.dir = directory.New(directory.Options{Engine: slowStore{new(mem.Store), tt.ready}})
				start := time.Now()
				got := s.lives(t.Context(), limit)
				if want := tt.within > 0; got != want {
					t.Errorf("lives = %v, want %v", got, want)
				}
				if took := time.Since(start); got && took > tt.within {
					t.Errorf("the watchdog is told after %v, want %v", took, tt.within)
				}
				if logged := strings.Contains(log.String(), "does not respond"); logged == got {
					t.Errorf("an error is logged: %v, want %v", logged, !got)
				}
				time.Sleep(10 * limit) // the check that hangs ends here
			})
		})
	}
}
