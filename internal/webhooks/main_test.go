package webhooks_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/pgtest"
	"rollcall/internal/webhooks"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	app    account.AppID = 1400000001
	target               = "http://receiver.example/hook"
)

// A request is one that a receiver has got.
type request struct {
	url    string
	header http.Header
	body   string
	at     time.Time
}

// account returns the account of the event in the body.
func (r request) account() string {
	for _, key := range []string{`"To_Account":"`, `"From_Account":"`} {
		if _, rest, ok := strings.Cut(r.body, key); ok {
			id, _, _ := strings.Cut(rest, `"`)
			return id
		}
	}
	return ""
}

// A receiver answers requests with the function answer. It is an http.RoundTripper, so that
// no network is needed.
type receiver struct {
	mu     sync.Mutex
	got    []request
	answer func(n int, r request) *http.Response // n counts from 0; called without the lock
}

func answer(status int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("{}"))}
}

func (v *receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	req := request{r.URL.String(), r.Header, string(body), time.Now()}
	n := len(v.got)
	v.got = append(v.got, req)
	fn := v.answer
	v.mu.Unlock()
	resp := answer(http.StatusOK)
	if fn != nil {
		resp = fn(n, req)
	}
	if resp == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return resp, nil
}

// requests returns the requests so far.
func (v *receiver) requests() []request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.got)
}

// accounts returns the accounts of the requests so far.
func (v *receiver) accounts() string {
	var ids []string
	for _, r := range v.requests() {
		ids = append(ids, r.account())
	}
	return strings.Join(ids, " ")
}

func (v *receiver) respond(fn func(n int, r request) *http.Response) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = fn
}

// A bench is a store with an app, and a server that sends its webhooks.
type bench struct {
	*testing.T
	engine   account.Engine
	registry *records.Registry
	dir      *directory.Directory
	s        *webhooks.Service
	receiver *receiver
	count    *counts
	app      *account.App
}

// counts are metrics.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) WebhookSent(mode, result string, _ time.Duration) { c.add(mode+" "+result, 1) }
func (c *counts) WebhookLost(why string, n int)                    { c.add("lost "+why, n) }
func (c *counts) add(key string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[key] += n
}

func (c *counts) of(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[key]
}

func newBench(t *testing.T) *bench { return benchOn(t, checked.New(new(mem.Store)), &receiver{}, "") }

// benchOn returns a server on an engine. If node is not empty, others share the engine.
func benchOn(t *testing.T, e account.Engine, to *receiver, node string) *bench {
	b := &bench{T: t, engine: e, registry: records.New(e, nil), receiver: to, count: &counts{n: map[string]int{}}}
	b.dir = directory.New(directory.Options{Engine: e, Records: b.registry, AllowTestApps: true, Outbox: func(app account.AppID, kind account.EventKind) bool {
		return b.s.Keeps(app, kind)
	}})
	b.s = webhooks.New(webhooks.Options{
		Records: b.registry, Directory: b.dir, Node: node, Shared: node != "", Logger: testutil.Logger(t), Metrics: b.count, Developer: true,
		Sent: func(_ account.AppID, ok bool) { b.count.add(fmt.Sprint("sent ", ok), 1) },
	})
	b.s.SetTransport(to)
	for _, kind := range webhooks.Kinds() {
		b.dir.ListenIn(kind, func(app account.AppID) bool { return b.s.Hears(app, kind) }, b.s.Hear)
	}
	b.dir.Listen(account.EventAppDeleted, b.s.Forget)
	var err error
	b.app, err = b.dir.EnsureApp(t.Context(), "test", account.App{ID: app, Edition: account.Development, Test: true})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// run runs the server until the returned function is called.
func (b *bench) run() (stop func()) {
	ctx, cancel := contextOf(b)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.s.Run(ctx); err != nil {
			b.Errorf("Run: %v", err)
		}
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-done
	})
}

// set sets the webhook of the app.
func (b *bench) set(n adminapi.NewWebhook) adminapi.Webhook {
	b.Helper()
	if n.URL == "" {
		n.URL = target
	}
	w, err := b.s.SetWebhook(b.Context(), "test", app, n)
	if err != nil {
		b.Fatalf("SetWebhook: %v", err)
	}
	return w
}

func (b *bench) imports(ids ...account.UserID) {
	b.Helper()
	items := make([]account.Upsert, len(ids))
	for i, id := range ids {
		items[i] = account.Upsert{ID: id}
	}
	if _, err := b.dir.Import(b.Context(), b.app, items); err != nil {
		b.Fatal(err)
	}
}

// nick sets the nick of an account.
func (b *bench) nick(id account.UserID, nick string) {
	b.Helper()
	ctx := directory.WithOperator(b.Context(), "boss", netip.MustParseAddr("192.0.2.7"))
	err := b.dir.SetProfile(ctx, b.app, id, []directory.Change{{Tag: account.TagNick, Value: account.Value{Text: nick}}})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) deliveries() adminapi.WebhookDeliveries {
	b.Helper()
	d, err := b.s.WebhookDeliveries(b.Context(), app)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// state returns the state of the webhook.
func (b *bench) state() string {
	b.Helper()
	w, err := b.s.Webhook(b.Context(), app)
	if err != nil {
		b.Fatal(err)
	}
	return w.State
}

// waitFor waits until ok returns true, for tests with real time.
func (b *bench) waitFor(what string, ok func() bool) {
	b.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("waited in vain for %s", what)
		}
	}
}

func ids(n int) (list []account.UserID) {
	for i := range n {
		list = append(list, account.UserID(fmt.Sprintf("u%04d", i)))
	}
	return list
}
