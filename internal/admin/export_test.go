package admin_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/testutil"
)

const exportPath = "/admin/v1/apps/1400000001/accounts:export"

// fillExport creates an app with a few accounts.
func (b *bench) fillExport() {
	b.Helper()
	b.createApp(1400000001)
	free := account.UpsertPolicy{Now: now, TombstoneBefore: account.AnyTombstone}
	items := []account.Upsert{{ID: "alice", Nick: "Al\"ice\n", FaceURL: "http://x/?a=1&b=<>"}, {ID: "bob"}, {ID: "gone"}}
	if _, err := b.engine.Upsert(b.Context(), 1400000001, items, free); err != nil {
		b.Fatal(err)
	}
	patch := account.Patch{ID: "bob", Kicked: 1_700_000_000, Fields: []account.Field{
		{Tag: account.TagLevel, Value: account.Value{IsNumber: true, Number: 1<<64 - 1}}, {Tag: account.CustomPrefix + "a", Value: account.Value{Text: "中"}},
	}}
	if _, err := b.engine.Update(b.Context(), 1400000001, []account.Patch{patch}, account.ChangePolicy{Now: now}); err != nil {
		b.Fatal(err)
	}
	if _, err := b.engine.Delete(b.Context(), 1400000001, []account.UserID{"gone"}, account.ChangePolicy{Now: now}); err != nil {
		b.Fatal(err)
	}
}

func TestExport(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.fillExport()
		const (
			alice = `{"userid":"alice","nick":"Al\"ice\n","face_url":"http://x/?a=1&b=<>"`
			bob   = `{"userid":"bob","nick":"","face_url":"","profile":{"Tag_Profile_Custom_a":"中","Tag_Profile_IM_Level":18446744073709551615}`
			at    = `"2026-05-06T07:08:09.123Z"`
			gone  = `{"userid":"gone","deleted_at":` + at
			admin = `{"userid":"administrator","nick":"","face_url":""`
			more  = `,"internal_id":"%d","created_at":` + at + `,"updated_at":` + at
		)
		whole := admin + "}\n" + alice + "}\n" + bob + "}\n"
		details := fmt.Sprintf(alice+more+"}\n"+bob+more+`,"kicked_at":"2023-11-14T22:13:20Z"}`+"\n", 2, 3)
		for query, want := range map[string]string{
			"":                           whole,
			"?prefix=b":                  bob + "}\n",
			"?prefix=x":                  "",
			"?deleted=true":              whole + gone + "}\n",
			"?deleted=false&prefix=":     whole,
			"?details=true&prefix=a":     admin + fmt.Sprintf(more, 1) + "}\n" + strings.SplitAfter(details, "\n")[0],
			"?details=true&prefix=b":     strings.SplitAfter(details, "\n")[1],
			"?deleted=true&prefix=gone":  gone + "}\n",
			"?deleted=true&prefix=gones": "",
		} {
			got := b.send(request{method: "GET", path: exportPath + query, token: b.tokens[account.ScopeRead]})
			if got.status != 200 || got.body != want || got.header.Get("Content-Type") != "application/x-ndjson" || got.header.Get("Cache-Control") != "no-store" {
				b.Errorf("%s: %d %v\n%s, want\n%s", query, got.status, got.header, got.body, want)
			}
		}
		trail := ok[adminapi.AuditPage](b, 200, "GET", "/admin/v1/audit?limit=100", "").Entries
		n := 0
		for _, e := range trail {
			if e.Action == "account.export" && e.Actor == "token-read" && e.SDKAppID == 1400000001 {
				n++
			}
		}
		if n != 9 {
			b.Errorf("%d exports are in the audit trail, want 9: %+v", n, trail)
		}
	})
}

func TestExportRefused(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		for query, slug := range map[string]string{
			"?deleted=yes": "bad-request", "?details=1": "bad-request", "?prefix=" + strings.Repeat("a", 33): "bad-request", "?limit=7": "bad-request",
		} {
			b.problem(b.call("GET", exportPath+query, ""), slug)
		}
		b.problem(b.call("GET", "/admin/v1/apps/1400000009/accounts:export", ""), "not-found")
		b.problem(b.call("POST", exportPath, ""), "method-not-allowed")
	})
}

// TestExportEncodings reads compressed exports, and their trailer.
func TestExportEncodings(t *testing.T) {
	b := newBench(t, engines["mem"](t))
	b.fillExport()
	for encoding, open := range map[string]func(io.Reader) (io.Reader, error){
		"identity": func(r io.Reader) (io.Reader, error) { return r, nil },
		"gzip":     func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd":     func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		resp := b.open(encoding)
		r, err := open(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || strings.Count(string(text), "\n") != 3 {
			t.Errorf("%s: %q, %v", encoding, text, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.Trailer.Get("Rollcall-Rows") != "3" {
			t.Errorf("%s: trailer %v, %v", encoding, resp.Trailer, err)
		}
		_ = resp.Body.Close()
	}
}

// open begins an export.
func (b *bench) open(encoding string) *http.Response {
	b.Helper()
	req := testutil.NewRequest(b, "GET", b.url+exportPath, b.tokens[account.ScopeRead], "")
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	if got := resp.Header.Get("Content-Encoding"); got != encoding && encoding != "identity" {
		b.Errorf("Content-Encoding %q, want %q", got, encoding)
	}
	return resp
}

// TestExportLimit begins as many exports as a server allows, and one more. It then closes
// the engine under one of them, whose response breaks off.
func TestExportLimit(t *testing.T) {
	engine := &closable{Engine: engines["pebble"](t)}
	b := newBench(t, engine)
	b.createApp(1400000001)
	free := account.UpsertPolicy{Now: now, TombstoneBefore: account.AnyTombstone}
	url := strings.Repeat("x", 500)
	for i := range 200 { // far more than all buffers on the way contain
		items := make([]account.Upsert, 500)
		for k := range items {
			items[k] = account.Upsert{ID: account.UserID(fmt.Sprintf("u%03d-%03d", i, k)), FaceURL: url}
		}
		if _, err := b.engine.Upsert(t.Context(), 1400000001, items, free); err != nil {
			t.Fatal(err)
		}
	}
	var open []*http.Response
	for range 4 {
		resp := b.open("identity")
		defer resp.Body.Close()
		if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		open = append(open, resp)
	}
	p := b.problem(b.call("GET", exportPath, ""), "unavailable")
	if !strings.Contains(p.Detail, "4 exports") {
		t.Errorf("detail %q", p.Detail)
	}
	if got := b.call("GET", "/admin/v1/apps/1400000001/accounts:count", ""); got.status != 200 {
		t.Errorf("beside four exports: %d %s", got.status, got.body)
	}
	_ = open[0].Body.Close()
	eventually(t, func() bool { return b.call("GET", exportPath+"?prefix=u000-00", "").status == 200 })
	closed := make(chan error, 1)
	go func() { closed <- engine.Close() }()
	if _, err := io.Copy(io.Discard, open[1].Body); err == nil {
		t.Error("an export whose engine was closed has an end")
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// A closable is an engine that a test may close before its bench does.
type closable struct {
	account.Engine
	once sync.Once
	err  error
}

func (c *closable) Unwrap() account.Engine { return c.Engine }

func (c *closable) Close() error {
	c.once.Do(func() { c.err = c.Engine.Close() })
	return c.err
}

// eventually waits until ok returns true.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it never happened")
}
