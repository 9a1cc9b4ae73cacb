package server_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/config"
	"rollcall/internal/server"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

// adminOf returns a client of the admin API of s.
func adminOf(t *testing.T, s *server.Server) *client.AdminClient {
	t.Helper()
	api, err := client.NewAdmin(client.AdminOptions{BaseURL: s.Context().URL, Token: s.Context().AdminToken})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.CloseIdleConnections)
	return api
}

// TestFiguresSurviveRestart makes calls, stops the server, and finds them at another one on
// the same store, which shares nothing else.
func TestFiguresSurviveRestart(t *testing.T) {
	c := config.Config{Data: t.TempDir(), Store: anystore.Spec(t, anystore.Kind(t, anystore.Pebble))}
	s, err := open(t, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, s.Context().Key, s.Context().AdminToken)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for range 2 {
		if got := importAlice(t, http.DefaultClient, s.Context()); got != imported {
			t.Fatal(got)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	again := start(t, c, nil)
	api := adminOf(t, again)
	for _, id := range []uint32{again.Context().SDKAppID, 0} {
		for _, last := range []string{client.LastHour, client.Last30Days} {
			f, err := api.Figures(t.Context(), id, last)
			if err != nil {
				t.Fatal(err)
			}
			if f.Total.Calls != 2 || f.Total.Created != 1 || f.Total.Failed != 0 || f.Total.MaxUS == 0 {
				t.Errorf("app %d in %s: %+v", id, last, f.Total)
			}
			if n := f.Points[len(f.Points)-1].Accounts; n == nil || *n != 2 {
				t.Errorf("app %d in %s: accounts of the last point: %v", id, last, n)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	s := start(t, config.Config{Store: anystore.Spec(t, anystore.Pebble), Data: t.TempDir()}, nil)
	got, err := adminOf(t, s).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !got.Ready || got.NotReady != "" || got.Version != "test" || got.Store != "pebble" || got.Apps != 1 || got.Accounts != 1 || got.MemoryBytes == 0 {
		t.Errorf("%+v", got)
	}
	if got.NoBackup != "" {
		t.Errorf("a store on disk makes backups, want no %q", got.NoBackup)
	}
	if got.Disk == nil || got.Disk.UsedBytes == 0 || got.Disk.FreeBytes == 0 {
		t.Errorf("disk %+v", got.Disk)
	}
	if since := time.Since(got.StartedAt); since < 0 || since > time.Hour {
		t.Errorf("started at %v", got.StartedAt)
	}
	mem := start(t, config.Config{Store: "mem:"}, nil)
	if got, err := adminOf(t, mem).Status(t.Context()); err != nil || got.Disk != nil || got.Store != "mem" || got.NoBackup == "" {
		t.Errorf("%+v, %v", got, err)
	}
}
