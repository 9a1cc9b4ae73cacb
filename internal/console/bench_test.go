package console_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/console"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
	"rollcall/internal/testutil/anystore"
)

// BenchmarkAccounts compares a page of 100 accounts in the console, with their exact
// number, with the same page and number of the admin API.
func BenchmarkAccounts(b *testing.B) {
	const app, prefix = 1400000001, "user0005"
	engine := anystore.Open(b, anystore.Pebble)
	dir := directory.New(directory.Options{Engine: engine, AllowTestApps: true})
	if _, err := dir.CreateApp(b.Context(), "bench", account.App{ID: app, Edition: account.Development}); err != nil {
		b.Fatal(err)
	}
	items := make([]account.Upsert, 100_000)
	for i := range items {
		items[i].ID = account.UserID(fmt.Sprintf("user%07d", i))
	}
	if _, err := engine.Upsert(b.Context(), app, items, account.UpsertPolicy{}); err != nil {
		b.Fatal(err)
	}
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
	b.Run("console", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			get(b, pages, fmt.Sprintf("/console/%d/accounts?prefix=%s", app, prefix), "Cookie", "rollcall_session="+secret)
		}
	})
	b.Run("api", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			root := fmt.Sprintf("/admin/v1/apps/%d/accounts", app)
			get(b, api, root+"?prefix="+prefix, "Authorization", "Bearer "+token)
			get(b, api, root+":count", "Authorization", "Bearer "+token)
		}
	})
}
