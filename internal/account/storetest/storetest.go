// Package storetest is the conformance suite that every [account.Engine] must
// pass. An engine's own tests cover only what is specific to that engine.
//
//   - [Run] tests the contract, one theme after the other.
//   - [RunReopen] tests what must survive a restart.
//   - [RunShared] tests several handles of one engine.
//   - [RunFaults] tests the results and effects of failed commits.
//   - [Property], [PropertyReopen] and [PropertyStaged] compare random operations with
//     package mem.
//   - [Benchmark] measures the calls of a loaded server.
package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/store/checked"
)

// An Open returns an empty engine, which the suite closes.
type Open func(tb testing.TB) account.Engine

// A theme is one group of requirements.
type theme struct {
	name string
	fn   func(*env)
}

// Run tests the engines that open returns.
func Run(t *testing.T, open Open, without ...Exception) {
	run(t, slices.Concat(accountThemes(), recordThemes(), recordsAtThemes(), dumpThemes(), exportThemes(), loaderThemes()), without, func(t *testing.T, th theme) {
		v := newEnv(t, open(t))
		v.open(app)
		v.open(otherApp)
		th.fn(v)
	})
}

// An Exception is a theme that an engine does not pass; see [Without].
type Exception struct{ theme, reason string }

// Without skips a theme. The log shows the reason, which must not be empty. The suite
// fails if it has no such theme.
func Without(theme, reason string) Exception { return Exception{theme, reason} }

// run runs test for each theme.
func run(t *testing.T, themes []theme, without []Exception, test func(*testing.T, theme)) {
	t.Helper()
	reasons := map[string]string{}
	for _, x := range without {
		if !slices.ContainsFunc(themes, func(th theme) bool { return th.name == x.theme }) || x.reason == "" {
			t.Errorf("the exception %q has no reason, or the suite has no such theme", x.theme)
		}
		reasons[x.theme] = x.reason
	}
	for _, th := range themes {
		t.Run(th.name, func(t *testing.T) {
			if reason, ok := reasons[th.name]; ok {
				t.Skip(reason)
			}
			test(t, th)
		})
	}
}

// accountThemes returns the themes about accounts. Each begins with two spaces.
func accountThemes() []theme {
	return []theme{
		{"UpsertCreates", testUpsertCreates},
		{"UpsertChanges", testUpsertChanges},
		{"UpsertNoChange", testUpsertNoChange},
		{"UpsertRepeated", testUpsertRepeated},
		{"UpsertEmpty", testUpsertEmpty},
		{"CaseAndApps", testCaseAndApps},
		{"QuotaOrder", testQuotaOrder},
		{"QuotaAbove", testQuotaAbove},
		{"QuotaConcurrent", testQuotaConcurrent},
		{"QuotaFreed", testQuotaFreed},
		{"Tombstone", testTombstone},
		{"TombstoneTime", testTombstoneTime},
		{"TombstoneZero", testTombstoneZero},
		{"TombstoneAny", testTombstoneAny},
		{"TombstoneBeforeQuota", testTombstoneBeforeQuota},
		{"Kicked", testKicked},
		{"KickedOutlives", testKickedOutlives},
		{"Unkicked", testUnkicked},
		{"UpdateFields", testUpdateFields},
		{"UpdateMissing", testUpdateMissing},
		{"UpdateRepeated", testUpdateRepeated},
		{"UpdateConcurrent", testUpdateConcurrent},
		{"Delete", testDelete},
		{"Owned", testOwned},
		{"ListOrder", testListOrder},
		{"ListPages", testListPages},
		{"ListPrefix", testListPrefix},
		{"ListApps", testListApps},
		{"ListDeleted", testListDeleted},
		{"CountConcurrent", testCountConcurrent},
		{"InternalIDs", testInternalIDs},
		{"InternalIDNotReused", testInternalIDNotReused},
		{"InternalIDConcurrent", testInternalIDConcurrent},
		{"ContextEnded", testContextEnded},
		{"SlicesReused", testSlicesReused},
		{"TextsReused", testTextsReused},
		{"Ready", testReady},
		{"NoSpace", testNoSpace},
		{"NoSpaceConcurrent", testNoSpaceConcurrent},
		{"SpaceRemove", testSpaceRemove},
		{"SpaceConflict", testSpaceConflict},
		{"SpaceAdminTwice", testSpaceAdminTwice},
		{"SpaceClean", testSpaceClean},
		{"SpaceOthers", testSpaceOthers},
		{"SpaceNumbers", testSpaceNumbers},
		{"Admins", testAdmins},
		{"AdminsConcurrent", testAdminsConcurrent},
		{"Watermark", testWatermark},
		{"LoadRepeated", testLoadRepeated},
		{"LoadRules", testLoadRules},
		{"LoadUpdate", testLoadUpdate},
	}
}

// The apps of the themes. Their numbers are adjacent in any encoding.
const (
	app      account.AppID = 1400000001
	otherApp account.AppID = 1400000002
)

// now is not a whole millisecond, because engines must truncate it.
var now = time.Date(2026, 2, 3, 4, 5, 6, 789_012_345, time.UTC)

// free is a policy without any limits.
var free = account.UpsertPolicy{Now: now, TombstoneBefore: account.AnyTombstone}

// An env is one test and its engine. Its methods fail the test on errors.
type env struct {
	*testing.T
	e      account.Engine
	reopen func() // RunReopen: closes the engine and opens it again
	other  *env   // RunShared: the other handle
}

func newEnv(t *testing.T, e account.Engine) *env {
	v := &env{T: t, e: checked.New(e)}
	t.Cleanup(v.close)
	return v
}

func (v *env) close() {
	v.Helper()
	if err := v.e.Close(); err != nil {
		v.Errorf("Close: %v", err)
	}
}

// items turns ids into items without a profile.
func items(ids ...account.UserID) []account.Upsert {
	us := make([]account.Upsert, len(ids))
	for i, id := range ids {
		us[i].ID = id
	}
	return us
}

func (v *env) upsert(app account.AppID, p account.UpsertPolicy, us ...account.Upsert) []account.UpsertResult {
	v.Helper()
	rs, err := v.e.Upsert(v.Context(), app, us, p)
	if err != nil {
		v.Fatalf("Upsert: %v", err)
	}
	return rs
}

// create imports ids that do not exist and returns their internal ids.
func (v *env) create(app account.AppID, ids ...account.UserID) []uint64 {
	v.Helper()
	var internal []uint64
	for i, r := range v.upsert(app, free, items(ids...)...) {
		if !r.Created {
			v.Fatalf("Upsert(%q) = %+v, want it created", ids[i], r)
		}
		internal = append(internal, r.InternalID)
	}
	return internal
}

func (v *env) status(app account.AppID, ids ...account.UserID) []account.Status {
	v.Helper()
	rs, err := v.e.Status(v.Context(), app, ids)
	if err != nil {
		v.Fatalf("Status: %v", err)
	}
	return rs
}

func (v *env) lookup(app account.AppID, ids ...account.UserID) []account.Account {
	v.Helper()
	as, err := v.e.Lookup(v.Context(), app, ids)
	if err != nil {
		v.Fatalf("Lookup: %v", err)
	}
	return as
}

func (v *env) update(app account.AppID, now time.Time, ps ...account.Patch) []account.Code {
	v.Helper()
	cs, err := v.e.Update(v.Context(), app, ps, account.ChangePolicy{Now: now})
	if err != nil {
		v.Fatalf("Update: %v", err)
	}
	return cs
}

func (v *env) delete(app account.AppID, now time.Time, ids ...account.UserID) []account.Code {
	v.Helper()
	cs, err := v.e.Delete(v.Context(), app, ids, account.ChangePolicy{Now: now})
	if err != nil {
		v.Fatalf("Delete: %v", err)
	}
	return cs
}

func (v *env) list(app account.AppID, q account.ListQuery) account.ListPage {
	v.Helper()
	page, err := v.e.List(v.Context(), app, q)
	if err != nil {
		v.Fatalf("List(%+v): %v", q, err)
	}
	return page
}

func (v *env) count(app account.AppID, want int64) {
	v.Helper()
	n, err := v.e.Count(v.Context(), app)
	if err != nil || n != want {
		v.Errorf("Count = %d, %v; want %d", n, err, want)
	}
}

// equal compares the result of a call with the expected one.
func (v *env) equal(what string, got, want any) {
	v.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		v.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// codes returns the Codes of results.
func codes(rs []account.UpsertResult) []account.Code {
	cs := make([]account.Code, len(rs))
	for i, r := range rs {
		cs[i] = r.Code
	}
	return cs
}

// ids returns the ids of accounts.
func ids(as []account.Account) []account.UserID {
	us := make([]account.UserID, len(as))
	for i, a := range as {
		us[i] = a.ID
	}
	return us
}
