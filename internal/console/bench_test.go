package console_test

import (
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/console"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
	"rollcall/internal/testutil/anystore"
)

var benchAccounts = flag.Int("console-accounts", 100_000, "`number` of accounts of BenchmarkAccounts")

// BenchmarkAccounts compares a page of 100 accounts in the console, with their exact
// number, with the same page and number of the admin API.
func BenchmarkAccounts(b *testing.B) {
	const app, prefix = 1400000001, "user00005"
	engine := filled(b, app)
	dir := directory.New(directory.Options{Engine: engine, AllowTestApps: true})
	_, token, err := dir.CreateToken(b.Context(), "bench", account.Token{Name: "bench", Scopes: []account.Scope{account.ScopeAdmin}})
	if err != nil {
		b.Fatal(err)
	}
	secret, _, err := dir.StartSession(b.Context(), token)
	if err != nil {
		b.Fatal(err)
	}
	lg := slog.New(slog.DiscardHandler)
	api := admin.New(admin.Options{Directory: dir, Logger: lg})
	c := console.New(console.Options{Directory: dir, Admin: api})
	pages := httpx.Handler(lg, c.Handle, func(http.ResponseWriter, *http.Request, error) slog.Level { return slog.LevelError })

	get := func(b *testing.B, h http.Handler, address, header, value string) {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
		r.Host = "localhost"
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("%s: %d %s", address, w.Code, w.Body)
		}
	}
	root := fmt.Sprintf("/admin/v1/apps/%d/accounts", app)
	var page, calls time.Duration
	for b.Loop() {
		start := time.Now()
		get(b, pages, fmt.Sprintf("/console/%d/accounts?prefix=%s", app, prefix), "Cookie", "rollcall_session="+secret)
		middle := time.Now()
		get(b, api, root+"?prefix="+prefix, "Authorization", "Bearer "+token)
		get(b, api, root+":count", "Authorization", "Bearer "+token)
		page, calls = page+middle.Sub(start), calls+time.Since(middle)
	}
	b.ReportMetric(float64(page.Microseconds())/float64(b.N), "µs/page")
	b.ReportMetric(float64(calls.Microseconds())/float64(b.N), "µs/api")
	b.ReportMetric(float64(page)/float64(calls), "page/api")
}

// filled returns a store with accounts that was closed once, so nothing is left to sort.
func filled(b *testing.B, app account.AppID) account.Engine {
	b.Helper()
	dir := b.TempDir()
	engine := anystore.OpenDir(b, anystore.Pebble, dir)
	d := directory.New(directory.Options{Engine: engine, AllowTestApps: true})
	if _, err := d.CreateApp(b.Context(), "bench", account.App{ID: app, Edition: account.Development}); err != nil {
		b.Fatal(err)
	}
	items := make([]account.Upsert, 10_000)
	for first := 0; first < *benchAccounts; first += len(items) {
		for i := range items {
			items[i].ID = account.UserID(fmt.Sprintf("user%08d", first+i))
		}
		if _, err := engine.Upsert(b.Context(), app, items, account.UpsertPolicy{}); err != nil {
			b.Fatal(err)
		}
	}
	if err := engine.Close(); err != nil {
		b.Fatal(err)
	}
	engine = anystore.OpenDir(b, anystore.Pebble, dir)
	b.Cleanup(func() {
		if err := engine.Close(); err != nil {
			b.Error(err)
		}
	})
	return engine
}
