package storetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"rollcall/internal/account"
)

// exportThemes returns the themes about exports. An engine that is no [account.Exporter]
// declares all of them as exceptions.
func exportThemes() []theme {
	return []theme{
		{"ExportContent", testExportContent},
		{"ExportPrefix", testExportPrefix},
		{"ExportAfter", testExportAfter},
		{"ExportLong", testExportLong},
		{"ExportMoment", testExportMoment},
		{"ExportBreak", testExportBreak},
		{"ExportEnded", testExportEnded},
	}
}

func exporterOf(e account.Engine) account.Exporter {
	x, ok := account.Find[account.Exporter](e)
	if !ok {
		panic("the engine is no account.Exporter; declare the themes about exports as exceptions")
	}
	return x
}

// collect returns copies of everything that an export yields.
func collect(ctx context.Context, e account.Engine, app account.AppID, q account.ExportQuery) (all []account.Exported, err error) {
	for v, err := range exporterOf(e).Export(ctx, app, q) {
		if err != nil {
			return all, err
		}
		all = append(all, copied(v))
	}
	return all, nil
}

// copied returns a copy of e that shares no memory with it.
func copied(e *account.Exported) account.Exported {
	c := *e
	c.ID, c.Nick, c.FaceURL = account.UserID(strings.Clone(string(e.ID))), strings.Clone(e.Nick), strings.Clone(e.FaceURL)
	c.Profile = slices.Clone(e.Profile)
	for i, f := range c.Profile {
		c.Profile[i].Tag, c.Profile[i].Value.Text = account.Tag(strings.Clone(string(f.Tag))), strings.Clone(f.Value.Text)
	}
	return c
}

func (v *env) export(id account.AppID, q account.ExportQuery) []account.Exported {
	v.Helper()
	all, err := collect(v.Context(), v.e, id, q)
	if err != nil {
		v.Fatalf("Export: %v", err)
	}
	return all
}

// exportedIDs returns the ids of an export. Those of deleted accounts begin with a minus.
func exportedIDs(all []account.Exported) []account.UserID {
	us := make([]account.UserID, len(all))
	for i := range all {
		us[i] = all[i].ID
		if all[i].Gone() {
			us[i] = "-" + us[i]
		}
	}
	return us
}

func testExportContent(v *env) {
	v.equal("export of an empty space", len(v.export(app, account.ExportQuery{Gone: true})), 0)
	v.equal("export of no space", len(v.export(app+7, account.ExportQuery{Gone: true})), 0)
	v.fillDump(app)
	v.create(otherApp, "x")
	v.create(app, "both2", "zz")
	v.delete(app, now.Add(time.Hour), "zz")
	v.create(app, "gone2")
	all := v.export(app, account.ExportQuery{})
	var as []account.Account
	for _, e := range all {
		as = append(as, e.Account)
	}
	v.equal("accounts", as, v.list(app, account.ListQuery{Limit: 10}).Accounts)
	all = v.export(app, account.ExportQuery{Gone: true})
	v.equal("all ids", exportedIDs(all), []account.UserID{"a", "b", "-both", "both2", "forgiven", "-gone", "gone2", "kicked", "-zz"})
	v.equal("a deleted id", all[2], account.Exported{Account: account.Account{ID: "both", Kicked: 200}, Deleted: account.Millis(now)})
	v.create(app, "both")
	v.equal("watermark of an id that came back", v.export(app, account.ExportQuery{Prefix: "both", Gone: true})[0].Kicked, int64(200))
}

func testExportPrefix(v *env) {
	v.create(app, awkward...)
	v.create(app, "a1", "~a")
	v.delete(app, now, "a1", "~a")
	for _, tt := range []struct {
		prefix account.UserID
		want   []account.UserID
	}{
		{"a", []account.UserID{"a", "a ", "a/", "a/b", "a0", "-a1", "aa", "ab", "abc", "ab~"}},
		{"a/", []account.UserID{"a/", "a/b"}},
		{"~", []account.UserID{"~", "-~a", "~~", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"}},
		{"nothing", []account.UserID{}},
	} {
		v.equal("prefix "+string(tt.prefix), exportedIDs(v.export(app, account.ExportQuery{Prefix: tt.prefix, Gone: true})), tt.want)
	}
	v.equal("all", len(v.export(app, account.ExportQuery{})), len(awkward))
}

// testExportAfter begins exports after each id, and after ids that do not exist.
func testExportAfter(v *env) {
	v.create(app, awkward...)
	v.create(app, "a1", "~a")
	v.delete(app, now, "a1", "~a")
	all := v.export(app, account.ExportQuery{Gone: true})
	for i, e := range all {
		got := v.export(app, account.ExportQuery{Gone: true, After: e.ID})
		v.equal("after "+string(e.ID), exportedIDs(got), exportedIDs(all[i+1:]))
	}
	for _, tt := range []struct {
		q    account.ExportQuery
		want []account.UserID
	}{
		{account.ExportQuery{Prefix: "a", After: "a0", Gone: true}, []account.UserID{"-a1", "aa", "ab", "abc", "ab~"}},
		{account.ExportQuery{Prefix: "a", After: "aaa"}, []account.UserID{"ab", "abc", "ab~"}},
		{account.ExportQuery{Prefix: "a/", After: "a"}, []account.UserID{"a/", "a/b"}},
		{account.ExportQuery{Prefix: "a", After: "b", Gone: true}, []account.UserID{}},
	} {
		v.equal(fmt.Sprintf("%+v", tt.q), exportedIDs(v.export(app, tt.q)), tt.want)
	}
}

// testExportLong exports more than an engine keeps in one piece.
func testExportLong(v *env) {
	const n, size = 5000, 100
	url := strings.Repeat("x", 400)
	for i := 0; i < n; i += size {
		us := make([]account.Upsert, size)
		for k := range us {
			us[k] = account.Upsert{ID: account.UserID(fmt.Sprintf("u%05d", i+k)), Nick: strconv.Itoa(i + k), FaceURL: url}
		}
		v.upsert(app, free, us...)
	}
	all := v.export(app, account.ExportQuery{})
	for i, e := range all {
		if e.ID != account.UserID(fmt.Sprintf("u%05d", i)) || e.Nick != strconv.Itoa(i) || e.FaceURL != url {
			v.Fatalf("account %d is %+v", i, e)
		}
	}
	v.equal("accounts", len(all), n)
}

// testExportMoment exports while one caller changes accounts one after the other. After the
// step n, the accounts have the nicks n-9 to n, and exactly one id is deleted. So each export
// shows whether it is of one moment, and of one that is not before it began.
func testExportMoment(v *env) {
	const accounts, steps = 10, 300
	var mu sync.Mutex
	var done int // steps whose calls have returned
	ring := func(i int) account.UserID { return account.UserID(fmt.Sprint("gone", i%accounts)) }
	step := func(n int) {
		// An id comes back after the next one was deleted, so two are deleted in between.
		v.upsert(app, free, account.Upsert{ID: account.UserID(fmt.Sprint("u", n%accounts)), Nick: strconv.Itoa(n)})
		v.delete(app, now.Add(time.Duration(n)*time.Millisecond), ring(n+1))
		v.create(app, ring(n))
		mu.Lock()
		defer mu.Unlock()
		done = n
	}
	for i := range accounts {
		v.create(app, ring(i))
	}
	v.delete(app, now, ring(0))
	for n := range accounts {
		step(n)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		defer close(stop)
		for n := accounts; n < steps; n++ {
			step(n)
		}
	})
	for range 2 {
		wg.Go(func() {
			for ended := false; !ended; {
				select {
				case <-stop:
					ended = true // and once more, of the end
				default:
				}
				mu.Lock()
				least := done
				mu.Unlock()
				v.checkMoment(v.export(app, account.ExportQuery{Gone: true}), accounts, least)
			}
		})
	}
	wg.Wait()
}

// checkMoment checks an export of testExportMoment, of a moment at or after the step least.
func (v *env) checkMoment(all []account.Exported, accounts, least int) {
	v.Helper()
	seen, newest, gone := map[int]bool{}, 0, 0
	for _, e := range all {
		if n, err := strconv.Atoi(e.Nick); err == nil {
			seen[n] = true
			newest = max(newest, n)
		}
		if e.Gone() {
			gone++
		}
	}
	for n := newest - accounts + 1; n <= newest; n++ {
		if !seen[n] {
			v.Errorf("an export has the nick %d but not %d: it is not of one moment", newest, n)
		}
	}
	if newest < least {
		v.Errorf("an export lacks a change that was acknowledged before it began: it has %d, want at least %d", newest, least)
	}
	if len(all) != 2*accounts || gone < 1 || gone > 2 {
		v.Errorf("an export has %d ids and %d deleted ones, want %d and 1 or 2", len(all), gone, 2*accounts)
	}
}

// testExportBreak ends exports in the middle. Nothing of them delays what follows.
func testExportBreak(v *env) {
	v.create(app, awkward...)
	for n := range awkward {
		for range exporterOf(v.e).Export(v.Context(), app, account.ExportQuery{Gone: true}) {
			if n--; n < 0 {
				break
			}
		}
	}
	v.create(app, "after")
	v.equal("accounts", len(v.export(app, account.ExportQuery{})), len(awkward)+1)
}

// testExportEnded ends the context before an export and in its middle.
func testExportEnded(v *env) {
	v.create(app, awkward...)
	v.delete(app, now, "z", "~~")
	ctx, cancel := context.WithCancel(v.Context())
	n := 0
	var last error
	for _, err := range exporterOf(v.e).Export(ctx, app, account.ExportQuery{Gone: true}) {
		if n++; n == 2 {
			cancel()
		}
		last = err
	}
	// What an engine has read already may come before the error.
	if last != nil && account.CodeOf(last) != account.Unavailable {
		v.Errorf("an export whose context ended: %v, want Code unavailable", last)
	}
	for range 2 {
		if all, err := collect(ctx, v.e, app, account.ExportQuery{}); account.CodeOf(err) != account.Unavailable || len(all) > 0 {
			v.Errorf("an export with an ended context: %d accounts, %v; want Code unavailable", len(all), err)
		}
	}
	cancel()
}

// export compares the exports of an app.
func (m *machine) export(t *rapid.T) {
	id := anyApp.Draw(t, "app")
	q := account.ExportQuery{Gone: rapid.Bool().Draw(t, "gone")}
	q.Prefix = rapid.SampledFrom([]account.UserID{"", "", "a", "~"}).Draw(t, "prefix")
	q.After = rapid.SampledFrom([]account.UserID{"", "", "a", "aaa", "b"}).Draw(t, "after")
	m.compareExports(id, q)
}

func (m *machine) compareExports(id account.AppID, q account.ExportQuery) {
	got, err := collect(m.ctx, m.engine, id, q)
	want, wantErr := collect(m.ctx, m.model, id, q)
	for i := range min(len(got), len(want)) {
		want[i].InternalID = m.same(got[i].InternalID, want[i].InternalID)
	}
	m.equal("Export", got, want, err, wantErr)
}
