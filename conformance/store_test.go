package conformance

import (
	"cmp"
	"context"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/server"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

// newStore returns an empty store of a kind for [setup]. The store is closed when tb ends.
// It must not be called in a bubble, but the store can be used there.
func newStore(tb testing.TB, kind string) account.Engine {
	tb.Helper()
	if kind == anystore.Mem {
		return anystore.Open(tb, kind)
	}
	o := &outside{Engine: anystore.Open(tb, kind), calls: make(chan func())}
	go func() {
		for fn := range o.calls {
			go fn()
		}
	}()
	tb.Cleanup(func() { close(o.calls) })
	return o
}

// usualStore returns an empty store in memory, unless the tests run on another kind.
func usualStore(tb testing.TB) account.Engine {
	tb.Helper()
	return newStore(tb, anystore.Kind(tb, anystore.Mem))
}

// runServer runs a complete server until the test ends, with the settings of c and an app
// whose key is sampleKey. Its store is of the kind usual, unless the tests run on another
// kind. It returns how to call the server, and its address.
func runServer(t *testing.T, usual string, c config.Config, app account.App) (called *server.Context, addr string) {
	t.Helper()
	s := startServer(t, usual, c, app)
	return s.Context(), s.Addr().String()
}

// startServer is runServer for tests that need more of the server.
func startServer(t *testing.T, usual string, c config.Config, app account.App) *server.Server {
	t.Helper()
	c.Listen, c.Store = "127.0.0.1:0", anystore.Spec(t, anystore.Kind(t, usual))
	c.Data = cmp.Or(c.Data, t.TempDir())
	c, err := config.New(c)
	if err != nil {
		t.Fatal(err)
	}
	app.Edition, app.Keys = account.Development, []account.Key{{ID: "1", Kind: account.HMACKey, Secret: sampleKey}}
	s, err := server.Open(t.Context(), server.Options{Config: c, App: &app, Version: "test", Logger: testutil.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, s.Context().Key, s.Context().AdminToken)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// An outside is an engine with goroutines and files or connections of its own, which must
// not be in a bubble: their timers would fire for each moment of the days that a transcript
// sleeps. Its calls run outside, in real time. The time of the bubble stands still meanwhile.
type outside struct {
	account.Engine
	calls chan func()
}

// do calls fn outside of the bubble, without the caller's deadline, which belongs to the
// bubble. It waits for a mutex, because a mutex belongs to no bubble and time does not pass
// while a bubble waits for one.
func do[T any](o *outside, fn func(context.Context) (T, error)) (v T, err error) {
	var done sync.Mutex
	done.Lock()
	o.calls <- func() {
		defer done.Unlock()
		v, err = fn(context.Background())
	}
	done.Lock()
	return v, err
}

func (o *outside) Upsert(_ context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	return do(o, func(ctx context.Context) ([]account.UpsertResult, error) { return o.Engine.Upsert(ctx, app, items, p) })
}

func (o *outside) Watermark(_ context.Context, app account.AppID, id account.UserID) (int64, error) {
	return do(o, func(ctx context.Context) (int64, error) { return o.Engine.Watermark(ctx, app, id) })
}

func (o *outside) Status(_ context.Context, app account.AppID, ids []account.UserID) ([]account.Status, error) {
	return do(o, func(ctx context.Context) ([]account.Status, error) { return o.Engine.Status(ctx, app, ids) })
}

func (o *outside) Lookup(_ context.Context, app account.AppID, ids []account.UserID) ([]account.Account, error) {
	return do(o, func(ctx context.Context) ([]account.Account, error) { return o.Engine.Lookup(ctx, app, ids) })
}

func (o *outside) Update(_ context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	return do(o, func(ctx context.Context) ([]account.Code, error) { return o.Engine.Update(ctx, app, patches, p) })
}

func (o *outside) Delete(_ context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	return do(o, func(ctx context.Context) ([]account.Code, error) { return o.Engine.Delete(ctx, app, ids, p) })
}

func (o *outside) List(_ context.Context, app account.AppID, q account.ListQuery) (account.ListPage, error) {
	return do(o, func(ctx context.Context) (account.ListPage, error) { return o.Engine.List(ctx, app, q) })
}

func (o *outside) Count(_ context.Context, app account.AppID) (int64, error) {
	return do(o, func(ctx context.Context) (int64, error) { return o.Engine.Count(ctx, app) })
}

func (o *outside) Record(_ context.Context, kind account.Kind, key string) (account.Record, error) {
	return do(o, func(ctx context.Context) (account.Record, error) { return o.Engine.Record(ctx, kind, key) })
}

func (o *outside) RecordsAt(_ context.Context, kind account.Kind, keys []string) ([]account.Record, error) {
	return do(o, func(ctx context.Context) ([]account.Record, error) { return o.Engine.RecordsAt(ctx, kind, keys) })
}

func (o *outside) Records(_ context.Context, q account.RecordQuery) (account.RecordPage, error) {
	return do(o, func(ctx context.Context) (account.RecordPage, error) { return o.Engine.Records(ctx, q) })
}

func (o *outside) Commit(_ context.Context, c account.Commit) (uint64, error) {
	return do(o, func(ctx context.Context) (uint64, error) { return o.Engine.Commit(ctx, c) })
}

func (o *outside) Ready(context.Context) error {
	_, err := do(o, func(ctx context.Context) (struct{}, error) { return struct{}{}, o.Engine.Ready(ctx) })
	return err
}
