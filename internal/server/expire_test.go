package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// A stubborn is an engine whose commits fail on demand.
type stubborn struct {
	mem.Store
	fail atomic.Bool
}

func (s *stubborn) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if s.fail.Load() {
		return 0, &account.Error{Code: account.Unavailable, Err: errors.New("injected")}
	}
	return s.Store.Commit(ctx, c)
}

// TestExpire removes a throw-away app when its time has come, also after a failure, which
// is logged once.
func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, log := new(stubborn), new(testutil.Buffer)
		s := &Server{dir: directory.New(directory.Options{Engine: engine, AllowTestApps: true})}
		s.o.Logger = slog.New(slog.NewTextHandler(testutil.Keep(t, log), nil))
		_, err := s.dir.CreateApp(t.Context(), "test", account.App{ID: 5, Edition: account.Development, Test: true, Expires: time.Now().Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.expire(ctx, nil) }()
		exists := func(want bool) {
			t.Helper()
			if _, err := s.dir.App(t.Context(), 5); (err == nil) != want {
				t.Errorf("the app exists: %v, want %v", err == nil, want)
			}
		}
		time.Sleep(time.Minute - time.Second)
		synctest.Wait()
		exists(true)
		engine.fail.Store(true)
		time.Sleep(20 * expireEvery)
		synctest.Wait()
		exists(true)
		engine.fail.Store(false)
		time.Sleep(expireEvery)
		synctest.Wait()
		exists(false)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if text := log.String(); strings.Count(text, "was not removed") != 1 || strings.Count(text, "removed a throw-away app") != 1 {
			t.Errorf("log:\n%s", text)
		}
	})
}
