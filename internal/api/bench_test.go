package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/calls"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/httpx"
	"rollcall/internal/ratelimit"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
	"rollcall/internal/wire"
)

// A cheapEngine returns at once and stores nothing, so a benchmark with it
// measures everything but the store. Its results are shared, which is safe for
// callers that only read them.
type cheapEngine struct {
	account.Engine // has the app; nothing else is called
	upserted       []account.UpsertResult
	status         []account.Status
}

func newCheapEngine() *cheapEngine {
	e := &cheapEngine{
		Engine:   new(mem.Store),
		upserted: make([]account.UpsertResult, wire.MaxStatus),
		status:   make([]account.Status, wire.MaxStatus),
	}
	for i := range wire.MaxStatus {
		e.upserted[i] = account.UpsertResult{Code: account.OK, Created: true, InternalID: uint64(i + 1)}
		e.status[i].InternalID = uint64(i % 2) // half of the accounts exist
	}
	app := account.App{
		ID: plainApp, Edition: account.Development, Admins: []account.UserID{account.Administrator},
		Keys:     []account.Key{{ID: "k", Kind: account.HMACKey, Secret: testKey}},
		Settings: account.Settings{RateMode: account.RateShadow},
	}
	if _, err := records.New(e, nil).CreateApp(context.Background(), app, account.AuditEntry{}); err != nil {
		panic(err)
	}
	return e
}

func (e *cheapEngine) Upsert(_ context.Context, _ account.AppID, items []account.Upsert, _ account.UpsertPolicy) ([]account.UpsertResult, error) {
	return e.upserted[:len(items)], nil
}

func (e *cheapEngine) Status(_ context.Context, _ account.AppID, ids []account.UserID) ([]account.Status, error) {
	return e.status[:len(ids)], nil
}

// A repeater serves the same request repeatedly without allocating a new one.
type repeater struct {
	handler http.Handler
	r       *http.Request
	content []byte
	body    bytes.Reader
	header  http.Header
	written int
}

func newRepeater(tb testing.TB, command, content string) *repeater {
	tb.Helper()
	dir := directory.New(directory.Options{Engine: newCheapEngine()})
	p := &repeater{handler: New(Options{
		Directory: dir, Auth: auth.New(dir), Calls: calls.NewLog(), Faults: faults.NewSet(), Rates: ratelimit.NewReport(),
	}), content: []byte(content), header: http.Header{}}
	p.r = &http.Request{
		Method: http.MethodPost,
		URL: &url.URL{
			Path:     wire.CommandNamed(command).Path(),
			RawQuery: params(plainApp, "administrator", sign(tb, testKey, plainApp, "administrator", time.Now().Unix())) + "&random=99999999&contenttype=json",
		},
		Header:        http.Header{},
		RemoteAddr:    netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), 4711).String(),
		Body:          io.NopCloser(&p.body),
		ContentLength: int64(len(content)),
	}
	return p
}

// logged makes p serve through the handler of package httpx, which logs to h.
func (p *repeater) logged(h slog.Handler) *repeater {
	next := p.handler
	p.handler = httpx.Handler(slog.New(h), func(w http.ResponseWriter, r *http.Request) error {
		next.ServeHTTP(w, r)
		return nil
	}, nil)
	return p
}

func (p *repeater) serve() {
	clear(p.header)
	p.written = 0
	p.body.Reset(p.content)
	p.handler.ServeHTTP(p, p.r)
}

// Header, Write and WriteHeader implement [http.ResponseWriter].
func (p *repeater) Header() http.Header { return p.header }

func (p *repeater) Write(b []byte) (int, error) {
	if p.written == 0 && !bytes.HasPrefix(b, []byte(`{"ActionStatus":"OK"`)) {
		panic(string(b))
	}
	p.written += len(b)
	return len(b), nil
}
func (p *repeater) WriteHeader(int) {}

func batchBody(list, format string, n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return `{"` + list + `":[` + strings.Join(items, ",") + `]}`
}

var (
	importBody   = batchBody("AccountList", `{"UserID":"user_%08d","Nick":"Nick of user","FaceUrl":"https://example.com/face/1.png"}`, 100)
	accountsBody = batchBody("Accounts", `"user_%08d"`, 100)
	checkBody    = batchBody("CheckItem", `{"UserID":"user_%08d"}`, 100)
	statusBody   = batchBody("To_Account", `"user_%08d"`, 500)
	oneBody      = `{"UserID":"user_00000001","Nick":"Nick of user","FaceUrl":"https://example.com/face/1.png"}`
)

func benchmark(b *testing.B, command, body string) {
	for _, bench := range []struct {
		name string
		p    *repeater
	}{
		{"bare", newRepeater(b, command, body)},
		{"text", newRepeater(b, command, body).logged(slog.NewTextHandler(io.Discard, nil))},
		{"json", newRepeater(b, command, body).logged(slog.NewJSONHandler(io.Discard, nil))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.p.serve()
			}
		})
	}
}

func BenchmarkMultiImport100(b *testing.B)    { benchmark(b, "multiaccount_import", importBody) }
func BenchmarkMultiImportIDs100(b *testing.B) { benchmark(b, "multiaccount_import", accountsBody) }
func BenchmarkCheck100(b *testing.B)          { benchmark(b, "account_check", checkBody) }
func BenchmarkImport1(b *testing.B)           { benchmark(b, "account_import", oneBody) }
