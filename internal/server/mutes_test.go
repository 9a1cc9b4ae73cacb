package server

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/testutil"
)

// TestSweepMutes removes a mute that has ended, also after a failure, which is logged.
func TestSweepMutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, log := new(stubborn), new(testutil.Buffer)
		s := &Server{dir: directory.New(directory.Options{Engine: engine})}
		s.o.Logger = slog.New(slog.NewTextHandler(testutil.Keep(t, log), nil))
		app, err := s.dir.CreateApp(t.Context(), "test", account.App{ID: 5, Edition: account.Development})
		if err == nil {
			err = s.dir.SetMute(t.Context(), app, account.Administrator, new(uint32(3600)), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.sweepMutes(ctx, nil) }()
		stored := func(want int) {
			t.Helper()
			synctest.Wait()
			list, _, err := records.New(engine, nil).Mutes(t.Context(), 5, "", 10)
			if err != nil || len(list[5]) != want {
				t.Errorf("%d mutes are stored, %v; want %d", len(list[5]), err, want)
			}
		}
		time.Sleep(sweepMutesEvery - time.Second)
		stored(1)
		engine.fail.Store(true)
		time.Sleep(time.Second)
		stored(1)
		engine.fail.Store(false)
		time.Sleep(sweepMutesEvery)
		stored(0)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if text := log.String(); strings.Count(text, "were not removed") != 1 {
			t.Errorf("log:\n%s", text)
		}
	})
}
