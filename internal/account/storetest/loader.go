package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"rollcall/internal/account"
)

// loaderThemes returns the themes about loads of accounts and records as they are. An
// engine that is no [account.Loader] declares all of them as exceptions.
func loaderThemes() []theme {
	return []theme{
		{"LoaderContent", testLoaderContent},
		{"LoaderOverwrites", testLoaderOverwrites},
		{"LoaderRules", testLoaderRules},
		{"LoaderOthers", testLoaderOthers},
		{"LoaderOwned", testLoaderOwned},
		{"LoaderLarge", testLoaderLarge},
		{"LoaderIDs", testLoaderIDs},
		{"LoaderNumbers", testLoaderNumbers},
		{"LoaderRecords", testLoaderRecords},
		{"LoaderWrites", testLoaderWrites},
		{"LoaderRefused", testLoaderRefused},
		{"LoaderConcurrent", testLoaderConcurrent},
		{"LoaderSameIDs", testLoaderSameIDs},
	}
}

func loaderOf(e account.Engine) account.Loader {
	l, ok := account.Find[account.Loader](e)
	if !ok {
		panic("the engine is no account.Loader; declare the themes about loads as they are as exceptions")
	}
	return l
}

func (v *env) loadAccounts(id account.AppID, rows []account.Exported, ws ...account.Write) {
	v.Helper()
	if err := loaderOf(v.e).LoadAccounts(v.Context(), id, rows, ws); err != nil {
		v.Fatalf("LoadAccounts: %v", err)
	}
}

func (v *env) loadRecords(above account.Numbers, ws ...account.Write) {
	v.Helper()
	if err := loaderOf(v.e).LoadRecords(v.Context(), ws, above); err != nil {
		v.Fatalf("LoadRecords: %v", err)
	}
}

func (v *env) numbers() account.Numbers {
	v.Helper()
	n, err := loaderOf(v.e).Numbers(v.Context())
	if err != nil {
		v.Fatalf("Numbers: %v", err)
	}
	return n
}

// valueOf returns the value of a record that exists.
func (v *env) valueOf(key string) string {
	v.Helper()
	return string(v.stored(key).Value)
}

func (v *env) versionOf(key string) uint64 {
	v.Helper()
	return v.stored(key).Version
}

// stored returns a record, which must exist.
func (v *env) stored(key string) account.Record {
	v.Helper()
	r, err := v.e.Record(v.Context(), kind, key)
	if err != nil {
		v.Fatalf("Record: %v", err)
	}
	return r
}

// loadedID is above every InternalID that an engine of the suite assigns on its own.
const loadedID uint64 = 1 << 33

// at returns a time in whole milliseconds.
func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// live returns an account to load.
func live(id account.UserID, internal uint64) account.Exported {
	return account.Exported{Account: account.Account{ID: id, InternalID: internal, Created: at(1_700_000_000_000), Updated: at(1_700_000_000_001)}}
}

// gone returns a deleted id to load.
func gone(id account.UserID, deleted time.Time, kicked int64) account.Exported {
	return account.Exported{Account: account.Account{ID: id, Kicked: kicked}, Deleted: deleted}
}

// loadedRows returns rows of each kind: plain, with a profile, kicked, forgiven, deleted,
// and deleted and kicked. Their InternalIDs are not in the order of their ids, and their
// times differ from those of the suite.
func loadedRows() []account.Exported {
	rich := live("rich", loadedID+1)
	rich.Nick, rich.FaceURL, rich.Kicked = "nick 中文", "url", 77
	rich.Created, rich.Updated = at(1), at(1_900_000_000_123)
	rich.Profile = []account.Field{text(custom, "chess"), text(account.TagGender, "Gender_Type_Male"), number(account.TagLevel, 1<<64-1)}
	slices.SortFunc(rich.Profile, func(a, b account.Field) int { return strings.Compare(string(a.Tag), string(b.Tag)) })
	forgiven := live("forgiven", loadedID+4)
	forgiven.Kicked = account.Unkicked
	return []account.Exported{
		live(" ", loadedID+3), gone("both", at(1_600_000_000_000), 200), forgiven, gone("gone", at(1_600_000_000_001), 0),
		gone("gone-forgiven", at(5), account.Unkicked), live("plain", loadedID+2), rich,
	}
}

// accountsIn returns the accounts among rows.
func accountsIn(rows []account.Exported) (as []account.Account) {
	for _, e := range rows {
		if !e.Gone() {
			as = append(as, e.Account)
		}
	}
	return as
}

// checkLoaded checks that an app contains exactly rows, by every way to read.
func (v *env) checkLoaded(id account.AppID, rows []account.Exported) {
	v.Helper()
	as := accountsIn(rows)
	v.equal("export", v.export(id, account.ExportQuery{Gone: true}), rows)
	v.equal("list", v.list(id, account.ListQuery{Limit: account.MaxListLimit}).Accounts, as)
	v.count(id, int64(len(as)))
	if len(as) > 0 {
		v.equal("lookup", v.lookup(id, ids(as)...), as)
	}
	for _, e := range rows {
		v.equal("status of "+string(e.ID), v.status(id, e.ID), []account.Status{{InternalID: e.InternalID, Kicked: e.Kicked}})
		if kicked, err := v.e.Watermark(v.Context(), id, e.ID); err != nil || kicked != e.Kicked {
			v.Errorf("watermark of %q: %d, %v; want %d", e.ID, kicked, err, e.Kicked)
		}
	}
}

func testLoaderContent(v *env) {
	v.loadAccounts(app, nil)
	v.checkLoaded(app, nil)
	rows := loadedRows()
	v.loadAccounts(app, rows[:3])
	v.loadAccounts(app, rows[3:])
	v.checkLoaded(app, rows)
	v.loadAccounts(app, rows) // again
	v.checkLoaded(app, rows)
}

// testLoaderOverwrites loads each kind of row over ids of each kind.
func testLoaderOverwrites(v *env) {
	v.fillDump(app)
	v.create(app, "z")
	before := v.export(app, account.ExportQuery{Gone: true})
	full := live("", 0).Account
	full.Nick, full.Profile = "new", []account.Field{number(account.TagRole, 3)}
	for round, kicked := range []int64{0, 50, account.Unkicked} {
		var rows []account.Exported
		for i, e := range before {
			row := gone(e.ID, at(int64(1000+round)), kicked)
			if (i+round)%2 == 0 {
				row = account.Exported{Account: full}
				row.ID, row.InternalID, row.Kicked = e.ID, loadedID+uint64(100*round+i), kicked
			}
			rows = append(rows, row)
		}
		v.loadAccounts(app, rows)
		v.checkLoaded(app, rows)
	}
	v.update(app, at(1_900_000_000_000), account.Patch{ID: "a", Kicked: 70, Fields: []account.Field{text(account.TagNick, "late")}})
	v.equal("a changed account", v.lookup(app, "a")[0].Nick, "late")
	v.equal("its watermark", v.status(app, "a")[0].Kicked, int64(70))
	v.loadAccounts(app, before)
	v.checkLoaded(app, before)
}

// testLoaderRules checks that a load ignores the rules of imports, and that the rules hold
// for what was loaded.
func testLoaderRules(v *env) {
	v.open(app, "boss")
	v.loadAccounts(app, []account.Exported{live("boss", loadedID), gone("gone", at(9), 8)})
	v.equal("deletions", v.delete(app, now, "boss", "gone"), []account.Code{account.AdminProtected, account.NoAccount})
	banned := account.UpsertPolicy{Now: now, Limit: 2, TombstoneBefore: at(9)}
	v.equal("codes", codes(v.upsert(app, banned, items("gone", "a", "b")...)), []account.Code{account.Tombstoned, account.OK, account.QuotaFull})
	free := account.UpsertPolicy{Now: now, TombstoneBefore: at(10)}
	v.equal("codes", codes(v.upsert(app, free, items("gone")...)), []account.Code{account.OK})
	v.equal("watermark of an id that came back", v.status(app, "gone")[0].Kicked, int64(8))
	v.equal("deletion", v.delete(app, now, "gone"), []account.Code{account.OK})
	v.count(app, 2)
}

// testLoaderOthers checks that the apps with adjacent numbers keep everything, and that a
// space can be removed and created again after a load.
func testLoaderOthers(v *env) {
	v.open(app - 1)
	v.fillDump(app - 1)
	v.fillDump(otherApp)
	below, above := v.export(app-1, account.ExportQuery{Gone: true}), v.export(otherApp, account.ExportQuery{Gone: true})
	v.loadAccounts(app, loadedRows())
	v.checkLoaded(app-1, below)
	v.checkLoaded(otherApp, above)
	v.remove(app, account.Conflict)
	v.delete(app, now, ids(accountsIn(loadedRows()))...)
	v.remove(app, account.OK)
	v.open(app)
	v.equal("a new space", len(v.export(app, account.ExportQuery{Gone: true})), 0)
	v.loadAccounts(app, loadedRows())
	v.checkLoaded(app, loadedRows())
}

// testLoaderOwned overwrites the memory of a load after the call.
func testLoaderOwned(v *env) {
	want := loadedRows()
	memory := []byte("plain\x00nick\x00Tag_Profile_Custom_Hobby\x00chess")
	parts := strings.Split(unsafe.String(unsafe.SliceData(memory), len(memory)), "\x00")
	row := live(account.UserID(parts[0]), loadedID+2)
	row.Nick, row.Kicked = parts[1], 7
	row.Profile = []account.Field{{Tag: account.Tag(parts[2]), Value: account.Value{Text: parts[3]}}}
	rows := []account.Exported{row}
	w := put("k", "value", account.AnyVersion)
	v.loadAccounts(app, rows, w)
	stored := copied(&row)
	for i := range memory {
		memory[i] = 'X'
	}
	rows[0].Profile[0] = number(account.TagLevel, 1)
	rows[0] = want[0]
	w.Value[0] = 'X'
	v.checkLoaded(app, []account.Exported{stored})
	v.equal("record", v.valueOf("k"), "value")
}

// testLoaderLarge loads the largest batch over a part of it.
func testLoaderLarge(v *env) {
	rows := make([]account.Exported, account.LoadBatch)
	for i, id := range loadIDs(len(rows)) {
		rows[i] = live(id, loadedID+uint64(len(rows)-i))
		rows[i].Nick = strconv.Itoa(i)
		if i%10 == 0 {
			rows[i] = gone(id, at(int64(i+1)), int64(i))
		}
	}
	v.create(app, loadIDs(len(rows))[len(rows)/2:]...)
	for range 2 {
		v.loadAccounts(app, rows)
		v.equal("export", v.export(app, account.ExportQuery{Gone: true}), rows)
		v.count(app, int64(len(accountsIn(rows))))
	}
}

// testLoaderIDs checks the InternalIDs of accounts that are imported after a load.
func testLoaderIDs(v *env) {
	v.loadAccounts(app, []account.Exported{live("a", loadedID+10), live("b", loadedID)})
	v.above("an import", v.create(app, "c")[0], loadedID+10)
	v.loadAccounts(otherApp, []account.Exported{live("a", loadedID+5000)})
	v.above("an import into another app", v.create(app, "d")[0], loadedID+5000)
	v.open(app, "boss")
	v.above("an admin", v.status(app, "boss")[0].InternalID, loadedID+5000)
	newest := v.numbers().InternalID
	v.above("Numbers", newest+1, v.status(app, "boss")[0].InternalID)
	v.loadRecords(account.Numbers{InternalID: newest + 777})
	v.above("an import after LoadRecords", v.create(app, "e")[0], newest+777)
	v.loadRecords(account.Numbers{InternalID: 1})
	v.above("an import after a small number", v.create(app, "f")[0], newest+777)
}

func (v *env) above(what string, n, limit uint64) {
	v.Helper()
	if n <= limit {
		v.Errorf("%s has the number %d, want one above %d", what, n, limit)
	}
}

// testLoaderNumbers checks the numbers of commits after a load.
func testLoaderNumbers(v *env) {
	n := v.write(put("a", "1", account.AnyVersion))
	v.above("Numbers", v.numbers().Commit+1, n)
	key := account.AppendedKey("p/", n+5000)
	v.loadRecords(account.Numbers{Commit: n + 5000}, put(key, "loaded", account.AnyVersion))
	next := v.write(add("p/", "later"))
	v.above("a commit", next, n+5000)
	page := v.records(account.RecordQuery{Kind: kind, Prefix: "p/", Limit: 9})
	v.equal("keys", []string{page.Records[0].Key, page.Records[1].Key}, []string{key, account.AppendedKey("p/", next)})
	v.loadRecords(account.Numbers{Commit: 1})
	v.above("a commit after a small number", v.write(add("p/", "v")), next)
}

// testLoaderRecords loads records over others, and removes one.
func testLoaderRecords(v *env) {
	n := v.write(put("a", "1", account.AnyVersion), put("gone", "1", account.AnyVersion))
	changes := v.e.Changes(kind)
	v.loadRecords(account.Numbers{}, put("a", "2", account.AnyVersion), put("b", "", account.AnyVersion), drop("gone", account.AnyVersion))
	got := map[string]string{}
	for _, r := range v.records(account.RecordQuery{Kind: kind, Limit: 9}).Records {
		got[r.Key] = string(r.Value)
	}
	v.equal("records", got, map[string]string{"a": "2", "b": ""})
	v.refused(account.Commit{Writes: []account.Write{put("a", "3", n)}}, account.Stale)
	if v.e.Changes(kind) == changes {
		v.Error("Changes does not report the load")
	}
}

// testLoaderWrites writes records in the commit of accounts. A write with a condition counts
// as in a commit.
func testLoaderWrites(v *env) {
	n := v.write(put("claim", "1", 0))
	v.loadAccounts(app, nil, put("claim", "2", n), put("absent", "x", 0))
	second := v.versionOf("claim")
	v.above("a load", second, n)
	v.loadRecords(account.Numbers{}, put("claim", "3", second), drop("absent", v.versionOf("absent")))
	v.equal("value", v.valueOf("claim"), "3")
	v.equal("removed", v.hasRecord("absent"), false)
	v.loadAccounts(app, loadedRows(), put("progress", "7", account.AnyVersion), add("log/", "x"))
	v.equal("record", v.valueOf("progress"), "7")
	v.equal("appended", v.hasRecord("log/"), true)
	v.loadAccounts(app, nil, drop("progress", account.AnyVersion))
	v.equal("removed", v.hasRecord("progress"), false)
}

// testLoaderRefused makes loads that break a rule. They change nothing.
func testLoaderRefused(v *env) {
	v.loadAccounts(app, loadedRows())
	a, b := live("a", loadedID+100), live("b", loadedID+101)
	bare, both, profile := gone("x", time.Time{}, 0), live("x", 1), gone("x", at(1), 0)
	both.Deleted, profile.Nick = at(1), "nick"
	unsorted := live("x", 1)
	unsorted.Profile = []account.Field{number(account.TagRole, 1), number(account.TagLevel, 1)}
	stale := put("k", "v", 7)
	for name, tt := range map[string]struct {
		app  account.AppID
		rows []account.Exported
		w    account.Write
		want account.Code
	}{
		"no space":         {app + 7, []account.Exported{a}, put("k", "v", account.AnyVersion), account.NoApp},
		"out of order":     {app, []account.Exported{b, a}, put("k", "v", account.AnyVersion), account.BadParameter},
		"twice":            {app, []account.Exported{a, a}, put("k", "v", account.AnyVersion), account.BadParameter},
		"no id":            {app, []account.Exported{live("", 1)}, put("k", "v", account.AnyVersion), account.BadParameter},
		"neither":          {app, []account.Exported{a, bare}, put("k", "v", account.AnyVersion), account.BadParameter},
		"both":             {app, []account.Exported{a, both}, put("k", "v", account.AnyVersion), account.BadParameter},
		"deleted, profile": {app, []account.Exported{a, profile}, put("k", "v", account.AnyVersion), account.BadParameter},
		"profile order":    {app, []account.Exported{a, unsorted}, put("k", "v", account.AnyVersion), account.BadParameter},
		"huge InternalID":  {app, []account.Exported{a, live("x", 1<<63)}, put("k", "v", account.AnyVersion), account.BadParameter},
		"too many":         {app, make([]account.Exported, account.LoadBatch+1), put("k", "v", account.AnyVersion), account.BadParameter},
		"another version":  {app, []account.Exported{a}, stale, account.Stale},
	} {
		err := loaderOf(v.e).LoadAccounts(v.Context(), tt.app, tt.rows, []account.Write{tt.w})
		if account.CodeOf(err) != tt.want {
			v.Errorf("%s: %v, want Code %v", name, err, tt.want)
		}
	}
	for _, ws := range [][]account.Write{{add("k", "v")}, {put("k", "v", account.AnyVersion), put("k", "w", account.AnyVersion)}} {
		if err := loaderOf(v.e).LoadRecords(v.Context(), ws, account.Numbers{}); account.CodeOf(err) != account.BadParameter {
			v.Errorf("LoadRecords(%+v): %v, want Code bad parameter", ws, err)
		}
	}
	err := loaderOf(v.e).LoadRecords(v.Context(), []account.Write{put("j", "v", account.AnyVersion), stale}, account.Numbers{})
	if account.CodeOf(err) != account.Stale {
		v.Errorf("LoadRecords with another version: %v, want Code stale", err)
	}
	v.equal("records", len(v.records(account.RecordQuery{Kind: kind, Limit: 9}).Records), 0)
	v.checkLoaded(app, loadedRows())
}

// testLoaderConcurrent loads into two apps from several callers, each with ids of its own,
// while others import. Imports get InternalIDs above those that are still to be loaded.
func testLoaderConcurrent(v *env) {
	const callers, rounds, each = 4, 10, 50
	v.loadRecords(account.Numbers{InternalID: loadedID + callers*rounds*each})
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			id := []account.AppID{app, otherApp}[c%2]
			for r := range rounds {
				rows := make([]account.Exported, each)
				for i := range rows {
					user := account.UserID(fmt.Sprintf("%d-%d-%03d", c, r, i))
					rows[i] = live(user, loadedID+uint64((c*rounds+r)*each+i))
					if i%5 == 0 {
						rows[i] = gone(user, at(1), 0)
					}
				}
				if err := loaderOf(v.e).LoadAccounts(v.Context(), id, rows, nil); err != nil {
					v.Errorf("LoadAccounts: %v", err)
				}
				v.upsertIn(free, []account.UserID{account.UserID(fmt.Sprintf("x%d-%d", c, r))})
			}
		})
	}
	wg.Wait()
	const loaded = callers / 2 * rounds * each * 4 / 5
	v.count(app, loaded+callers*rounds)
	v.count(otherApp, loaded)
	v.equal("rows", len(v.export(otherApp, account.ExportQuery{Gone: true})), callers/2*rounds*each)
	seen := map[uint64]bool{}
	for _, id := range allApps {
		for _, e := range v.export(id, account.ExportQuery{}) {
			if seen[e.InternalID] {
				v.Errorf("two accounts have the InternalID %d", e.InternalID)
			}
			seen[e.InternalID] = true
		}
	}
}

// testLoaderSameIDs loads the same ids from several callers at once. One of them wins each
// id, and the count is exact.
func testLoaderSameIDs(v *env) {
	const callers, rounds, each = 4, 5, 100
	for round := range rounds {
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				rows := make([]account.Exported, each)
				for i := range rows {
					rows[i] = live(account.UserID(fmt.Sprintf("%d-%03d", round, i)), loadedID+uint64((round*callers+c)*each+i))
				}
				if err := loaderOf(v.e).LoadAccounts(v.Context(), app, rows, nil); err != nil {
					v.Errorf("LoadAccounts: %v", err)
				}
			})
		}
		wg.Wait()
		v.count(app, int64((round+1)*each))
	}
	v.equal("rows", len(v.export(app, account.ExportQuery{Gone: true})), rounds*each)
}

// loaderChange loads the largest batch together with a record, into an app in which a part
// of the ids exists.
func loaderChange() faultyChange {
	const n = account.LoadBatch
	before := func(v *env) { v.create(app, loadIDs(n)[n/2:]...) }
	return faultyChange{"LoadAccounts", before, func(v *env) error {
		rows := make([]account.Exported, n)
		for i, id := range loadIDs(n) {
			rows[i] = live(id, loadedID+uint64(i))
		}
		return loaderOf(v.e).LoadAccounts(v.Context(), app, rows, []account.Write{put("loaded", "v", 0)})
	}, func(v *env) bool {
		loaded := 0
		for i, s := range v.status(app, loadIDs(n)...) {
			if s.InternalID == loadedID+uint64(i) {
				loaded++
			}
		}
		if loaded != 0 && loaded != n {
			v.Errorf("%d rows of %d are there", loaded, n)
		}
		return v.all(loaded == n, v.hasRecord("loaded"))
	}, account.Stale}
}

// loadRecordsChange loads records together with numbers.
func loadRecordsChange() faultyChange {
	return faultyChange{"LoadRecords", nil, func(v *env) error {
		ws := []account.Write{put("k", "3", account.AnyVersion), put("loaded", "v", 0)}
		return loaderOf(v.e).LoadRecords(v.Context(), ws, account.Numbers{Commit: 5000, InternalID: loadedID})
	}, func(v *env) bool {
		return v.all(v.valueOf("k") == "3", v.hasRecord("loaded"))
	}, account.Stale}
}

// testReopenLoaded restarts between loads, and after changes of what was loaded.
func testReopenLoaded(v *env, reopen func()) {
	rows := loadedRows()
	v.create(app, "plain", "gone")
	v.loadAccounts(app, rows[:2])
	reopen()
	v.loadAccounts(app, rows[2:])
	reopen()
	v.checkLoaded(app, rows)
	v.above("an import", v.create(app, "z")[0], loadedID+4)
	v.loadRecords(account.Numbers{Commit: 9000, InternalID: 2 * loadedID}, put("k", "v", account.AnyVersion))
	reopen()
	v.above("an import after a restart", v.create(app, "zz")[0], 2*loadedID)
	v.above("a commit after a restart", v.write(add("", "v")), 9000)
	v.delete(app, at(50), "z", "zz", "rich")
	v.update(app, at(60), account.Patch{ID: "plain", Fields: []account.Field{text(account.TagNick, "late")}})
	reopen()
	rows[len(rows)-1] = gone("rich", at(50), 77)
	rows[len(rows)-2].Nick = "late"
	all := v.export(app, account.ExportQuery{Gone: true})
	v.equal("all but the last ids", all[:len(rows)], rows)
	v.equal("the last ids", exportedIDs(all[len(rows):]), []account.UserID{"-z", "-zz"})
}

// load loads a few rows with new InternalIDs, and a record. The InternalIDs are sometimes
// below those that were assigned since, and leave space for them.
func (m *machine) load(t *rapid.T) drawnCall {
	id := anyApp.Draw(t, "app")
	users := rapid.SliceOfNDistinct(anyID, 0, 5, rapid.ID).Draw(t, "ids")
	slices.Sort(users)
	rows := make([]account.Exported, len(users))
	for i, user := range users {
		kicked := rapid.Int64Range(account.Unkicked, 3).Draw(t, "kicked")
		if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
			rows[i] = gone(user, account.Millis(moment(t, "deleted")), kicked)
			continue
		}
		const some, space = 8, 1000
		rows[i] = live(user, loadedID*(m.loaded/some+1)+space*(some-m.loaded%some))
		m.loaded++
		rows[i].Nick, rows[i].Kicked = anyTxt.Draw(t, "nick"), kicked
		if rapid.Bool().Draw(t, "profile") {
			rows[i].SetField(anyField(t))
		}
	}
	ws := []account.Write{put("o", "loaded", account.AnyVersion)}
	var err error
	return drawnCall{
		call: func() { err = loaderOf(m.engine).LoadAccounts(m.ctx, id, rows, ws) },
		check: func() {
			wantErr := loaderOf(m.model).LoadAccounts(m.ctx, id, rows, ws)
			m.equal("LoadAccounts", nil, nil, err, wantErr)
		},
	}
}
