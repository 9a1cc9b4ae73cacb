package records_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

// TestCache looks up an app repeatedly and checks that this reads nothing from the engine
// and allocates nothing.
func TestCache(t *testing.T) {
	c := &counter{Engine: new(mem.Store)}
	v := &env{t, c, records.New(c, nil)}
	v.create(app)
	v.createToken(token("00000001", "a"))
	v.app(app)
	v.tokens()
	c.listed = 0
	hash := account.HashToken("00000001")
	n := testing.AllocsPerRun(100, func() {
		if _, err := v.r.App(v.Context(), app); err != nil {
			v.Error(err)
		}
		if _, err := v.r.Token(v.Context(), hash); err != nil {
			v.Error(err)
		}
	})
	if n != 0 || c.listed != 0 {
		v.Errorf("%v allocations, %d records read; want none", n, c.listed)
	}
}

// TestCacheOfDamage checks that a damaged record does not affect other apps.
func TestCacheOfDamage(t *testing.T) {
	each(t, func(v *env) {
		v.create(app)
		v.create(otherApp)
		damage := account.Write{Kind: 1, Key: "1400000002", Value: []byte("{"), If: account.AnyVersion}
		if _, err := v.e.Commit(v.Context(), account.Commit{Writes: []account.Write{damage}}); err != nil {
			v.Fatal(err)
		}
		v.app(app)
		_, err := v.r.App(v.Context(), otherApp)
		v.code("App", err, account.Internal)
		if account.DetailOf(err) == "" {
			v.Error("the error has no detail")
		}
		_, err = v.r.Apps(v.Context())
		v.code("Apps", err, account.Internal)
		_, err = v.r.UpdateApp(v.Context(), otherApp, change(rename("x")), by("app.rename"))
		v.code("UpdateApp", err, account.Internal)
	})
}

// A busy engine applies another change right after a read.
type busy struct {
	account.Engine
	then func() // once
}

func (b *busy) change() {
	if then := b.then; then != nil {
		b.then = nil
		then()
	}
}

func (b *busy) Record(ctx context.Context, kind account.Kind, key string) (account.Record, error) {
	rec, err := b.Engine.Record(ctx, kind, key)
	b.change()
	return rec, err
}

func (b *busy) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	page, err := b.Engine.Records(ctx, q)
	b.change()
	return page, err
}

// TestCacheOfBusyEngine changes an app while apps are loaded. The next call must see the
// change.
func TestCacheOfBusyEngine(t *testing.T) {
	b := &busy{Engine: new(mem.Store)}
	v := &env{t, b, records.New(b, nil)}
	v.create(app)
	b.then = func() { v.update(app, rename("new")) }
	v.app(app)
	v.equal("name", v.app(app).Name, "new")
}

// A slow engine waits for a signal before it lists records.
type slow struct {
	counter
	gate chan struct{}
}

func (s *slow) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	<-s.gate
	return s.counter.Records(ctx, q)
}

// TestCacheLoadsOnce calls App from many goroutines while the apps are loaded. A caller
// whose context ends does not wait.
func TestCacheLoadsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{counter: counter{Engine: new(mem.Store)}, gate: make(chan struct{})}
		v := &env{t, s, records.New(s, nil)}
		v.create(app)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { v.app(app) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(v.Context(), time.Second)
		defer cancel()
		_, err := v.r.App(ctx, app)
		v.code("App that waits too long", err, account.Unavailable)
		close(s.gate)
		wg.Wait()
		v.equal("records read", s.listed, 1)
	})
}

// A blind engine cannot tell whether other handles have changed records.
type blind struct {
	slow
	n atomic.Uint64
}

func (b *blind) Changes(account.Kind) uint64 { return b.n.Add(1) }

// TestCacheOfBlindEngine calls App while the engine reports another number each time. Each
// call reads the engine, but those that wait do so together.
func TestCacheOfBlindEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &blind{slow: slow{counter: counter{Engine: new(mem.Store)}, gate: make(chan struct{})}}
		close(b.gate)
		v := &env{t, b, records.New(b, nil)}
		v.create(app)
		for _, name := range []string{"one", "two"} {
			v.update(app, rename(name))
			v.equal("name", v.app(app).Name, name)
		}
		b.listed, b.gate = 0, make(chan struct{})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { v.app(app) })
		}
		synctest.Wait()
		close(b.gate)
		wg.Wait()
		if b.listed < 1 || b.listed > 2 {
			t.Errorf("50 calls at once list the records %d times", b.listed)
		}
	})
}

// handles returns two registries on handles of one engine.
func handles(t *testing.T) (one, two *env) {
	first := new(mem.Store)
	second := first.Handle(account.MaxStale)
	return newEnv(t, first), newEnv(t, second)
}

// TestHandles checks that a registry sees its own changes at once and those on another
// handle within the allowed delay.
func TestHandles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := handles(t)
		one.create(app)
		one.createToken(token("00000001", "a"))
		time.Sleep(account.MaxStale)
		two.app(app)
		two.equal("tokens", len(two.tokens()), 1)

		one.update(app, rename("one"))
		one.code("DeleteToken", one.r.DeleteToken(t.Context(), "00000001", by("token.delete")), account.OK)
		one.equal("name on the handle of the change", one.app(app).Name, "one")
		time.Sleep(account.MaxStale)
		two.equal("name on the other handle", two.app(app).Name, "one")
		two.equal("tokens on the other handle", len(two.tokens()), 0)

		one.update(app, rename("one again"))
		changed := two.update(app, func(a *account.App) { a.Name += ", and two" })
		two.equal("name after a change over a late view", changed.Name, "one again, and two")
		two.equal("name on the handle of the change", two.app(app).Name, "one again, and two")
		one.equal("Version", changed.Version, uint64(4))
	})
}

// TestHandlesConcurrent changes one app through two handles and checks that no change is
// lost.
func TestHandlesConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := handles(t)
		one.create(app)
		const each = 20
		var wg sync.WaitGroup
		for _, v := range []*env{one, two} {
			wg.Go(func() {
				for range each {
					v.update(app, func(a *account.App) { a.Name += "x" })
				}
			})
		}
		wg.Wait()
		time.Sleep(account.MaxStale)
		for _, v := range []*env{one, two} {
			if a := v.app(app); len(a.Name) != 2*each || a.Version != 1+2*each {
				v.Errorf("after %d updates: %d, Version %d", 2*each, len(a.Name), a.Version)
			}
		}
	})
}
