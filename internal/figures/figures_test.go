package figures_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/figures"
	"rollcall/internal/httpx"
	"rollcall/internal/records"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

const app, otherApp account.AppID = 1400000001, 1400000002

// A bench is a store with two apps, used by nodes. It runs in a bubble of synctest, whose
// time begins at midnight.
type bench struct {
	*testing.T
	e   account.Engine
	dir *directory.Directory
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, e: checked.New(new(mem.Store))}
	b.dir = directory.New(directory.Options{Engine: b.e})
	for _, id := range []account.AppID{app, otherApp} {
		if _, err := b.dir.CreateApp(t.Context(), "test", account.App{ID: id, Edition: account.Development}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// node returns the figures of a node.
func (b *bench) node(name string) *figures.Figures { return b.nodeOn(name, b.e) }

func (b *bench) nodeOn(name string, e account.Engine) *figures.Figures {
	return figures.New(figures.Options{Records: records.New(e, nil), Apps: b.dir, Node: name, Logger: testutil.Logger(b)})
}

// call lets f count a call with a code.
func call(f *figures.Figures, id account.AppID, code int, more ...slog.Attr) {
	h := httpx.Handler(slog.New(slog.DiscardHandler), func(_ http.ResponseWriter, r *http.Request) error {
		e := httpx.EventFrom(r.Context())
		e.OnEnd(f.Request)
		e.SetApp(uint32(id))
		e.SetCode(code)
		e.Add(more...)
		time.Sleep(time.Millisecond)
		return nil
	}, nil)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
}

func (b *bench) read(f *figures.Figures, id account.AppID, last string) adminapi.Figures {
	b.Helper()
	span, ok := figures.SpanOf(last)
	if !ok {
		b.Fatalf("no span %q", last)
	}
	got, err := f.Read(b.Context(), id, span)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func (b *bench) flush(f *figures.Figures) {
	b.Helper()
	if err := f.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// total checks the number of calls of an app.
func (b *bench) total(f *figures.Figures, id account.AppID, want int64) {
	b.Helper()
	for _, span := range figures.Spans() {
		if got := b.read(f, id, span.Name).Total.Calls; got != want {
			b.Errorf("%d calls of app %d in %s, want %d", got, id, span.Name, want)
		}
	}
}

func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		f := b.node("a")
		for range 3 {
			call(f, app, 0)
		}
		call(f, app, 60011)
		call(f, app, 60007)
		call(f, app, 0, slog.Int(httpx.ShadowAttr, 60007))
		call(f, 0, 60009)
		f.Accounts(app, 5, 2)
		want := adminapi.FigureCounts{
			Calls: 6, Failed: 2, Limited: 2, Shadowed: 1, Created: 5, Deleted: 2, MeanUS: 1000, MaxUS: 1000, Codes: map[string]int64{"60007": 1, "60011": 1},
		}
		for _, state := range []string{"in memory", "stored"} {
			r := b.read(f, app, "1h")
			if diff := cmp.Diff(want, r.Total); diff != "" {
				t.Errorf("%s: total (-want +got):\n%s", state, diff)
			}
			if last := r.Points[len(r.Points)-1]; cmp.Diff(want, last.FigureCounts) != "" || len(r.Points) != 61 || r.StepS != 60 {
				t.Errorf("%s: %d points, the last is %+v", state, len(r.Points), last)
			}
			whole := b.read(f, 0, "").Total
			if whole.Calls != 7 || whole.Codes["60009"] != 1 || whole.Created != 5 {
				t.Errorf("%s: of all apps: %+v", state, whole)
			}
			b.total(f, otherApp, 0)
			b.flush(f)
		}
	})
}

// TestPoints checks to which points calls belong.
func TestPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		f := b.node("a")
		start := time.Now().UTC()
		call(f, app, 0)
		b.flush(f)
		time.Sleep(24 * time.Hour)
		call(f, app, 0)
		time.Sleep(5*time.Minute + 30*time.Second)
		call(f, app, 0)
		calls := func(last string) (at []string) {
			for _, p := range b.read(f, app, last).Points {
				if p.Calls > 0 {
					at = append(at, strings.Repeat("x", int(p.Calls))+" "+p.Time.Sub(start).String())
				}
			}
			return at
		}
		for last, want := range map[string][]string{
			"1h":  {"x 24h0m0s", "x 24h5m0s"},
			"7d":  {"x 0s", "xx 24h0m0s"},
			"14d": {"x 0s", "xx 24h0m0s"},
			"30d": {"x 0s", "xx 24h0m0s"},
		} {
			if diff := cmp.Diff(want, calls(last)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", last, diff)
			}
		}
		r := b.read(f, app, "1h")
		if p := r.Points[60]; p.Seconds != 30 || r.Points[59].Seconds != 60 {
			t.Errorf("the last point has %d seconds, the one before %d", p.Seconds, r.Points[59].Seconds)
		}
		if r.To.Sub(r.From) != time.Hour+30*time.Second+3*time.Millisecond {
			t.Errorf("from %v to %v", r.From, r.To)
		}
	})
}

// TestNodes checks that the figures of nodes are summed up, and that a node continues its
// own after a restart.
func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		a, other := b.node("a"), b.node("b")
		for range 3 {
			call(a, app, 70107)
			call(other, app, 70107)
		}
		call(other, app, 0)
		b.flush(a)
		b.flush(other)
		b.total(a, app, 7)
		b.total(other, app, 7)
		again := b.node("a")
		b.total(again, app, 7)
		call(again, app, 0)
		b.flush(again)
		b.flush(again) // stores nothing again
		b.total(other, app, 8)
		b.total(other, 0, 8)
		if n := b.read(a, app, "1h").Total.Codes["70107"]; n != 6 {
			t.Errorf("%d refusals, want 6", n)
		}
	})
}

// TestRun checks that counts are stored once a minute and at the end.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		f, reader := b.node("a"), b.node("b")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx) }()
		time.Sleep(20 * time.Second)
		call(f, app, 0)
		b.total(reader, app, 0)
		time.Sleep(time.Minute)
		b.total(reader, app, 1)
		call(f, app, 0)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b.total(reader, app, 2)
	})
}

// TestAccounts checks the number of accounts of each point.
func TestAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		f := b.node("a")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx) }()
		add := func(ids ...account.UserID) {
			a, err := b.dir.App(t.Context(), app)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				if _, err := b.dir.Import(t.Context(), a, []account.Upsert{{ID: id}}); err != nil {
					t.Fatal(err)
				}
			}
			f.Accounts(app, len(ids), 0)
		}
		time.Sleep(10*time.Minute + 30*time.Second) // the first count is that of minute 0
		add("a", "b")
		time.Sleep(5 * time.Minute)
		add("c")
		counts := func(r adminapi.Figures) (n []int64) {
			for _, p := range r.Points {
				switch {
				case p.Accounts == nil:
					n = append(n, -1)
				case len(n) == 0 || n[len(n)-1] != *p.Accounts:
					n = append(n, *p.Accounts)
				}
			}
			return n
		}
		r := b.read(f, app, "1h")
		if got := counts(r); len(got) != 45+3 || cmp.Diff([]int64{-1, 1, 3, 4}, got[44:]) != "" {
			t.Errorf("accounts %v", got)
		}
		if n := r.Points[60-5].Accounts; *n != 3 || *r.Points[60-6].Accounts != 1 {
			t.Errorf("%d accounts in the minute of the import", *n)
		}
		time.Sleep(26 * time.Hour)
		for id, want := range map[account.AppID]int64{app: 4, otherApp: 1, 0: 5} {
			for _, last := range []string{"1h", "7d"} {
				r := b.read(f, id, last)
				first, end := r.Points[len(r.Points)-20].Accounts, r.Points[len(r.Points)-1].Accounts
				if first == nil || *first != want || *end != want {
					t.Errorf("app %d in %s: accounts %v", id, last, counts(r))
				}
			}
		}
		cancel()
		<-ended
	})
}

// A failing engine refuses commits.
type failing struct {
	account.Engine
	err atomic.Pointer[account.Error]
}

func (f *failing) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if err := f.err.Load(); err != nil {
		return 0, err
	}
	return f.Engine.Commit(ctx, c)
}

// TestStoreFails checks that counts wait for a store that refuses them, and that counts
// that may be stored are not counted twice.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		e := &failing{Engine: b.e}
		f := b.nodeOn("a", e)
		e.err.Store(&account.Error{Code: account.Unavailable, Err: errors.New("no disk")})
		for range 3 * 60 { // more minutes than are kept
			call(f, app, 7)
			if err := f.Flush(t.Context()); account.CodeOf(err) != account.Unavailable {
				t.Fatal(err)
			}
			call(f, app, 0)
			time.Sleep(time.Minute)
		}
		if n := b.read(f, app, "7d").Total.Calls; n != 6*60 {
			t.Errorf("%d calls wait, want %d", n, 6*60)
		}
		e.err.Store(nil)
		b.flush(f)
		if r := b.read(b.node("b"), app, "7d"); r.Total.Calls != 6*60 || r.Total.Codes["7"] != 3*60 {
			t.Errorf("%+v", r.Total)
		}
		call(f, app, 0)
		e.err.Store(&account.Error{Code: account.Unknown})
		if err := f.Flush(t.Context()); account.CodeOf(err) != account.Unknown {
			t.Error(err)
		}
		e.err.Store(nil)
		if r := b.read(f, app, "7d"); r.Total.Calls != 6*60 {
			t.Errorf("%d calls after an unknown outcome", r.Total.Calls)
		}
	})
}

// TestForget checks that figures end with their app, at every node, and in time.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		f, other := b.node("a"), b.node("b")
		b.dir.Listen(account.EventAppDeleted, f.Forget)
		for _, id := range []account.AppID{app, otherApp} {
			call(f, id, 0)
			b.flush(f)
			call(f, id, 0)
			call(other, id, 0)
		}
		if err := b.dir.DeleteApp(t.Context(), "test", app); err != nil {
			t.Fatal(err)
		}
		b.flush(f)
		b.flush(other)
		if _, err := b.dir.CreateApp(t.Context(), "test", account.App{ID: app, Edition: account.Development}); err != nil {
			t.Fatal(err)
		}
		b.total(f, app, 0)
		b.total(f, otherApp, 3)
		time.Sleep(32 * 24 * time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		cancel()
		<-ended
		page, err := b.e.Records(t.Context(), account.RecordQuery{Kind: 13, Limit: account.MaxListLimit})
		if err != nil || len(page.Records) != 3*2+2 { // the number of accounts in this hour and this minute, and on this day of each app
			t.Errorf("%d records, %v", len(page.Records), err)
		}
		for _, rec := range page.Records {
			if !strings.HasSuffix(rec.Key, "/a") {
				t.Errorf("%s remains of a node that is gone", rec.Key)
			}
		}
	})
}

// TestSize checks that the largest answer is bounded.
func TestSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		f := b.node("a")
		for i := range 40 {
			for code := range 100 {
				call(f, app, 1+100*i+code)
			}
			b.flush(f)
			time.Sleep(6 * time.Hour)
		}
		for _, span := range figures.Spans() {
			r := b.read(f, app, span.Name)
			codes := map[string]bool{}
			for _, p := range r.Points {
				for code := range p.Codes {
					codes[code] = true
				}
			}
			if len(r.Points) > 169 || len(codes) > records.MaxFigureCodes+1 || len(r.Total.Codes) > records.MaxFigureCodes+1 {
				t.Errorf("%s: %d points, %d codes", span.Name, len(r.Points), len(codes))
			}
		}
		if n := b.read(f, app, "30d").Total.Calls; n != 4000 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestCSV(t *testing.T) {
	n := int64(12)
	r := adminapi.Figures{
		Points: []adminapi.FigurePoint{
			{Time: time.Unix(0, 0), Seconds: 60, FigureCounts: adminapi.FigureCounts{Calls: 3, Failed: 1, Codes: map[string]int64{"70107": 1}}},
			{Time: time.Unix(60, 0), Seconds: 7, Accounts: &n, FigureCounts: adminapi.FigureCounts{Calls: 1, Created: 2, MeanUS: 3, MaxUS: 4}},
		},
		Total: adminapi.FigureCounts{Codes: map[string]int64{"70107": 1, "60007": 0}},
	}
	var w strings.Builder
	if err := figures.WriteCSV(&w, &r); err != nil {
		t.Fatal(err)
	}
	want := `time,seconds,calls,failed,limited,shadowed,created,deleted,accounts,mean_us,max_us,code_60007,code_70107
1970-01-01T00:00:00Z,60,3,1,0,0,0,0,,0,0,0,1
1970-01-01T00:01:00Z,7,1,0,0,0,2,0,12,3,4,0,0
`
	if diff := cmp.Diff(want, w.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNoAllocation checks that a call is counted without an allocation.
func TestNoAllocation(t *testing.T) {
	e := new(httpx.Event)
	e.SetApp(uint32(app))
	e.SetCode(60007)
	now := time.Now()
	f := figures.New(figures.Options{Now: func() time.Time { return now }})
	for name, fn := range map[string]func(){
		"Request":  func() { f.Request(e) },
		"Accounts": func() { f.Accounts(app, 1, 1) },
	} {
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// BenchmarkRequest measures what figures add to a call.
func BenchmarkRequest(b *testing.B) {
	f := figures.New(figures.Options{})
	b.RunParallel(func(pb *testing.PB) {
		e := new(httpx.Event)
		e.SetApp(uint32(app))
		for pb.Next() {
			f.Request(e)
		}
	})
}
