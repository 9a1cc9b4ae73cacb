package metered_test

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/metered"
)

// A call is the report of one call.
type call struct {
	Method string
	Items  int
	Code   account.Code
}

type recorder struct {
	mu    sync.Mutex
	calls []call
}

func (r *recorder) Observe(_ context.Context, method string, items int, took time.Duration, code account.Code) {
	if took < 0 {
		panic("a call took less than no time")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call{method, items, code})
}

func TestEngine(t *testing.T) {
	r := new(recorder)
	storetest.Run(t, func(testing.TB) account.Engine { return metered.New(new(mem.Store), r) })
	heard := map[string]bool{"Close": true, "Watermark": true, "Changes": true} // not reported
	for _, c := range r.calls {
		heard[c.Method] = true
	}
	for m := range reflect.TypeFor[account.Engine]().Methods() {
		if !heard[m.Name] {
			t.Errorf("no call of %s was reported", m.Name)
		}
	}
}

// A slow engine blocks a call.
type slow struct {
	*mem.Store
	begun, end chan struct{}
}

func (s *slow) Count(context.Context, account.AppID) (int64, error) {
	close(s.begun)
	<-s.end
	return 0, nil
}

func TestInFlight(t *testing.T) {
	s := &slow{new(mem.Store), make(chan struct{}), make(chan struct{})}
	e := metered.New(s, new(recorder))
	inFlight := e.(interface{ InFlight() int }).InFlight
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = e.Count(t.Context(), 1)
	}()
	<-s.begun
	if n := inFlight(); n != 1 {
		t.Errorf("%d calls during one", n)
	}
	close(s.end)
	<-ended
	if n := inFlight(); n != 0 {
		t.Errorf("%d calls after it", n)
	}
}

func TestObserve(t *testing.T) {
	const app account.AppID = 1400000001
	r := new(recorder)
	inner := new(mem.Store)
	if _, err := inner.Commit(t.Context(), account.Commit{Spaces: []account.Space{{App: app}}}); err != nil {
		t.Fatal(err)
	}
	e := metered.New(inner, r)
	ended, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	p := account.UpsertPolicy{Now: time.UnixMilli(1)}
	_, _ = e.Upsert(t.Context(), app, []account.Upsert{{ID: "a"}, {ID: "b"}}, p)
	_, _ = e.Upsert(ended, app, []account.Upsert{{ID: "c"}}, p)
	_, _ = e.Upsert(gone, app, []account.Upsert{{ID: "d"}}, p) // is not reported
	_, _ = e.List(t.Context(), app, account.ListQuery{Limit: 10})
	_, _ = e.Record(t.Context(), 1, "k")
	_, _ = e.Commit(t.Context(), account.Commit{Writes: []account.Write{{Kind: 1, Key: "k", Value: []byte("v")}}, Spaces: []account.Space{{App: app}}})
	_, _ = e.RecordsAt(t.Context(), 1, []string{"k", "none", "k"})
	_, _ = e.Records(t.Context(), account.RecordQuery{Kind: 1, Limit: 10})
	x, _ := account.Find[account.Exporter](e)
	for range x.Export(t.Context(), app, account.ExportQuery{}) {
	}
	for range x.Export(ended, app, account.ExportQuery{}) {
	}
	want := []call{
		{"Upsert", 2, account.OK},
		{"Upsert", 1, account.Unavailable},
		{"List", 2, account.OK},
		{"Record", 0, account.NoRecord},
		{"Commit", 2, account.OK},
		{"RecordsAt", 3, account.OK},
		{"Records", 1, account.OK},
		{"Export", 2, account.OK},
		{"Export", 0, account.Unavailable},
	}
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
