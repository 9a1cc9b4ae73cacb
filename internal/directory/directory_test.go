package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

const appID account.AppID = 1400000000

// A bench is a directory with one app and a clock that the test sets.
type bench struct {
	*testing.T
	registry *records.Registry
	dir      *directory.Directory
	app      *account.App
	now      time.Time
}

func newBench(t *testing.T, app account.App) *bench {
	engine := checked.New(new(mem.Store))
	b := &bench{T: t, registry: records.New(engine, nil), now: time.Date(2026, 5, 6, 7, 8, 9, 123_456_789, time.UTC)}
	b.dir = directory.New(directory.Options{
		Engine: engine, Records: b.registry,
		Clock:  func(account.AppID) time.Time { return b.now },
		Logger: testutil.Logger(t),
	})
	app.ID = appID
	if app.Edition == "" {
		app.Edition = account.Development
	}
	created, err := b.dir.CreateApp(t.Context(), "test", app)
	if err != nil {
		t.Fatal(err)
	}
	b.app = created
	return b
}

func (b *bench) imports(items ...account.Upsert) []account.Code {
	b.Helper()
	results, err := b.dir.Import(b.Context(), b.app, items)
	if err != nil {
		b.Fatal(err)
	}
	codes := make([]account.Code, len(results))
	for i, r := range results {
		codes[i] = r.Code
	}
	return codes
}

func (b *bench) deletes(ids ...account.UserID) []account.Code {
	b.Helper()
	results, err := b.dir.Delete(b.Context(), b.app, ids)
	if err != nil {
		b.Fatal(err)
	}
	codes := make([]account.Code, len(results))
	for i, r := range results {
		codes[i] = r.Code
	}
	return codes
}

func wantCodes(t *testing.T, got []account.Code, want ...account.Code) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

// TestImportReasons checks the order of reasons: id, length, words, tombstone, quota.
func TestImportReasons(t *testing.T) {
	b := newBench(t, account.App{
		Edition:  account.Standard,
		Settings: account.Settings{Quota: 3, AllowDelete: true, Words: []string{"Vendor"}},
	})
	wantCodes(t, b.imports(account.Upsert{ID: "gone"}), account.OK)
	wantCodes(t, b.deletes("gone"), account.OK)
	long := strings.Repeat("x", account.MaxValueBytes+1)
	wantCodes(t, b.imports(
		account.Upsert{ID: "@x", Nick: long},
		account.Upsert{ID: "gone", Nick: long + "vendor"},
		account.Upsert{ID: "gone", FaceURL: "http://VENDOR.example"},
		account.Upsert{ID: "gone"},
		account.Upsert{ID: "a"},
		account.Upsert{ID: "b", Nick: strings.Repeat("x", account.MaxValueBytes)},
		account.Upsert{ID: "c"},
		account.Upsert{ID: "a", Nick: "again"},
	), account.InvalidID, account.ValueTooLong, account.SensitiveWord, account.Tombstoned,
		account.OK, account.OK, account.QuotaFull, account.OK)
}

func TestTombstoneBan(t *testing.T) {
	const ban = account.DefaultTombstoneDays * 24 * time.Hour
	tests := []struct {
		name     string
		edition  account.Edition
		days     int
		after    time.Duration
		wantCode account.Code
	}{
		{"trial, at once", account.Trial, 0, 0, account.OK},
		{"development, at once", account.Development, 0, 0, account.OK},
		{"standard, at once", account.Standard, 0, 0, account.Tombstoned},
		{"standard, a millisecond early", account.Standard, 0, ban - time.Millisecond, account.Tombstoned},
		{"standard, in time", account.Standard, 0, ban, account.OK},
		{"pro, one day", account.Pro, 1, 24 * time.Hour, account.OK},
		{"enterprise, no ban", account.Enterprise, -1, 0, account.OK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, account.App{Edition: tt.edition, Settings: account.Settings{AllowDelete: true, TombstoneDays: tt.days}})
			wantCodes(t, b.imports(account.Upsert{ID: "a"}), account.OK)
			wantCodes(t, b.deletes("a"), account.OK)
			b.now = b.now.Add(tt.after)
			wantCodes(t, b.imports(account.Upsert{ID: "a"}), tt.wantCode)
		})
	}
}

// TestTrialQuota fills the quota of a trial app: 100 accounts including administrator. A
// deletion frees quota at once. Admins count for the quota but are never refused.
func TestTrialQuota(t *testing.T) {
	b := newBench(t, account.App{Edition: account.Trial})
	for i := range account.TrialQuota - 1 {
		wantCodes(t, b.imports(account.Upsert{ID: account.UserID(rune('A'+i%26)) + account.UserID(strings.Repeat("x", i/26+1))}), account.OK)
	}
	wantCodes(t, b.imports(account.Upsert{ID: "late"}), account.QuotaFull)
	if _, err := b.dir.AddAdmin(t.Context(), "test", appID, "chief"); err != nil {
		t.Fatalf("an admin above the quota: %v", err)
	}
	wantCodes(t, b.deletes("Ax", "Bx"), account.OK, account.OK)
	wantCodes(t, b.imports(account.Upsert{ID: "late"}, account.Upsert{ID: "later"}), account.OK, account.QuotaFull)
}

func TestDelete(t *testing.T) {
	b := newBench(t, account.App{})
	wantCodes(t, b.imports(account.Upsert{ID: "a"}), account.OK)
	wantCodes(t, b.deletes("a", "a", "nobody", "", account.Administrator),
		account.OK, account.NoAccount, account.NoAccount, account.InvalidID, account.AdminProtected)
}

func TestDeletionOff(t *testing.T) {
	b := newBench(t, account.App{Edition: account.Pro})
	_, err := b.dir.Delete(t.Context(), b.app, []account.UserID{"a"})
	if got := account.CodeOf(err); got != account.DeletionOff {
		t.Errorf("Delete: %v, want %v", got, account.DeletionOff)
	}
}

func TestKickWatermark(t *testing.T) {
	b := newBench(t, account.App{})
	wantCodes(t, b.imports(account.Upsert{ID: "a"}), account.OK)
	for id, want := range map[account.UserID]account.Code{"a": account.OK, "b": account.NoAccount, "": account.InvalidID, account.Administrator: account.OK} {
		if got := account.CodeOf(b.dir.Kick(t.Context(), b.app, id)); got != want {
			t.Errorf("Kick(%q): %v, want %v", id, got, want)
		}
	}
	if got, err := b.dir.Watermark(t.Context(), b.app, "a"); err != nil || got != b.now.Unix() {
		t.Errorf("Watermark = %d, %v; want %d", got, err, b.now.Unix())
	}
}

func TestSetProfile(t *testing.T) {
	b := newBench(t, account.App{Settings: account.Settings{
		Words:      []string{"vendor"},
		CustomTags: []account.CustomTag{{Key: "Test"}, {Key: "Num", Number: true}, {Key: "Fixed", NoWrite: true}},
	}})
	wantCodes(t, b.imports(account.Upsert{ID: "a", Nick: "before"}), account.OK)
	text := func(tag account.Tag, v string) directory.Change {
		return directory.Change{Tag: tag, Value: account.Value{Text: v}}
	}
	number := func(tag account.Tag, n uint64) directory.Change {
		return directory.Change{Tag: tag, Value: account.Value{Number: n, IsNumber: true}}
	}
	tests := []struct {
		name   string
		id     account.UserID
		change directory.Change
		want   account.Code
	}{
		{"unknown tag", "a", text("Tag_Profile_IM_Nope", "x"), account.UnknownTag},
		{"undeclared custom tag", "a", text("Tag_Profile_Custom_Nope", "x"), account.UnknownTag},
		{"not writable", "a", text("Tag_Profile_Custom_Fixed", "x"), account.TagNotWritable},
		{"number for text", "a", number(account.TagNick, 1), account.ValueType},
		{"text for number", "a", text(account.TagLevel, "1"), account.ValueType},
		{"neither", "a", directory.Change{Tag: account.TagNick, Malformed: true}, account.ValueType},
		{"number too large", "a", number(account.TagLevel, 1<<32), account.ValueType},
		{"number", "a", number(account.TagLevel, 1<<32-1), account.OK},
		{"large custom number", "a", number("Tag_Profile_Custom_Num", 1<<40), account.OK},
		{"value outside the list", "a", text(account.TagGender, "x"), account.ValueNotAllowed},
		{"value in the list", "a", text(account.TagGender, "Gender_Type_Male"), account.OK},
		{"too long", "a", text(account.TagLocation, strings.Repeat("x", 501)), account.ValueTooLong},
		{"over the older limit", "a", text(account.TagLocation, strings.Repeat("x", 17)), account.OK},
		{"sensitive", "a", text(account.TagNick, "my VENDOR"), account.SensitiveWord},
		{"no account", "nobody", text(account.TagNick, "x"), account.NoAccount},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			marker := text("Tag_Profile_Custom_Test", tt.name)
			err := b.dir.SetProfile(t.Context(), b.app, tt.id, []directory.Change{marker, tt.change})
			if got := account.CodeOf(err); got != tt.want {
				t.Errorf("code %v, want %v (%v)", got, tt.want, err)
			}
			as, err := b.dir.Profiles(t.Context(), b.app, []account.UserID{"a"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := as[0].Field("Tag_Profile_Custom_Test")
			if applied := got.Text == tt.name; applied != (tt.want == account.OK) {
				t.Errorf("the other change of the call was applied: %v", applied)
			}
		})
	}
}

// TestValueLength sets and imports values of the maximum length and one byte more.
func TestValueLength(t *testing.T) {
	b := newBench(t, account.App{})
	for n, want := range map[int]account.Code{account.MaxValueBytes: account.OK, account.MaxValueBytes + 1: account.ValueTooLong} {
		long := strings.Repeat("x", n)
		wantCodes(t, b.imports(account.Upsert{ID: "a", Nick: long}, account.Upsert{ID: "b", FaceURL: long}), want, want)
		wantCodes(t, b.imports(account.Upsert{ID: "c"}), account.OK)
		for _, tag := range []account.Tag{account.TagNick, account.TagImage, account.TagSelfSignature, account.TagLocation} {
			err := b.dir.SetProfile(t.Context(), b.app, "c", []directory.Change{{Tag: tag, Value: account.Value{Text: long}}})
			if got := account.CodeOf(err); got != want {
				t.Errorf("%s of %d bytes: %v, want %v", tag, n, err, want)
			}
		}
	}
}

func TestProfilesChecksTags(t *testing.T) {
	b := newBench(t, account.App{Settings: account.Settings{CustomTags: []account.CustomTag{{Key: "Hidden", NoRead: true}}}})
	for tag, want := range map[account.Tag]account.Code{
		account.TagNick: account.OK, "Tag_Profile_Custom_Hidden": account.TagNotReadable, "x": account.UnknownTag,
	} {
		_, err := b.dir.Profiles(t.Context(), b.app, []account.UserID{"a"}, []account.Tag{tag})
		if got := account.CodeOf(err); got != want {
			t.Errorf("%s: %v, want %v", tag, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	b := newBench(t, account.App{Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "s1"}}})
	app, err := b.dir.AddKey(t.Context(), "test", appID, account.Key{ID: "2", Kind: account.HMACKey, Secret: "s2"})
	if err != nil || len(app.ActiveKeys(b.now)) != 2 {
		t.Fatalf("AddKey: %v, %v", app, err)
	}
	if _, err := b.dir.AddKey(t.Context(), "test", appID, account.Key{ID: "2", Kind: account.HMACKey, Secret: "s3"}); account.CodeOf(err) != account.InvalidApp {
		t.Errorf("a second key 2: %v, want InvalidApp", err)
	}
	app, err = b.dir.RetireKey(t.Context(), "test", appID, "1", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if active := app.ActiveKeys(b.now); len(active) != 1 || active[0].ID != "2" {
		t.Errorf("active keys after retiring 1: %v", active)
	}
	if _, err := b.dir.RetireKey(t.Context(), "test", appID, "9", time.Time{}); account.CodeOf(err) != account.NoKey {
		t.Errorf("retiring an unknown key: %v, want NoKey", err)
	}
}

// TestRetireKey retires a key at times around the present. A time in the future can be
// changed. A retired key never becomes active again, even if the clock is set back.
func TestRetireKey(t *testing.T) {
	const second = time.Second
	for name, tt := range map[string]struct {
		first, then time.Duration // after the start of the test; 0 for no time
		code        account.Code
		want        time.Duration
	}{
		"now, again":                {0, 0, account.OK, 0},
		"now, then later":           {0, 60 * second, account.Conflict, 0},
		"now, then a bit later":     {0, 9 * second, account.OK, 0},
		"now, then earlier":         {0, -60 * second, account.OK, -60 * second},
		"earlier, then now":         {-60 * second, 0, account.OK, -60 * second},
		"later, then later still":   {60 * second, 90 * second, account.OK, 90 * second},
		"later, then sooner":        {60 * second, 30 * second, account.OK, 30 * second},
		"later, then now":           {60 * second, 0, account.OK, 10 * second},
		"soon, and past, and later": {5 * second, 60 * second, account.Conflict, 5 * second},
		"soon, and past, and now":   {5 * second, 0, account.OK, 5 * second},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, account.App{Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "s1"}}})
			start := account.Millis(b.now)
			at := func(d time.Duration) time.Time {
				if d == 0 {
					return time.Time{}
				}
				return start.Add(d)
			}
			if _, err := b.dir.RetireKey(t.Context(), "test", appID, "1", at(tt.first)); err != nil {
				t.Fatal(err)
			}
			b.now = b.now.Add(10 * second)
			if _, err := b.dir.RetireKey(t.Context(), "test", appID, "1", at(tt.then)); account.CodeOf(err) != tt.code {
				t.Errorf("retired again: %v, want %v", err, tt.code)
			}
			app, err := b.dir.App(t.Context(), appID)
			if err != nil {
				t.Fatal(err)
			}
			k := app.Keys[0]
			if got := k.Retired.Sub(start); got != tt.want {
				t.Errorf("retired %v after the start, want %v", got, tt.want)
			}
			if over := !k.Active(b.now); over && k.Active(b.now.Add(-time.Hour)) && tt.first != 5*second {
				t.Error("the key is active again after the clock was set back")
			}
		})
	}
}

// TestLongPast uses times that must not be truncated to the zero time, which means none.
func TestLongPast(t *testing.T) {
	b := newBench(t, account.App{Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "s1"}}})
	for _, past := range []time.Time{time.Time{}.Add(500 * time.Microsecond), time.Time{}.Add(time.Hour), time.Unix(0, 0)} {
		app, err := b.dir.RetireKey(t.Context(), "test", appID, "1", past)
		if err != nil || app.Keys[0].Active(b.now) || !app.Keys[0].Retired.Equal(time.Unix(0, 0)) {
			t.Errorf("retired in the year %d: %v, %v, want from 1970 on", past.Year(), app.Keys[0].Retired, err)
		}
		token := account.Token{Name: "a", Scopes: []account.Scope{account.ScopeRead}, Expires: past}
		if _, _, err := b.dir.CreateToken(t.Context(), "test", token); account.CodeOf(err) != account.BadParameter {
			t.Errorf("a token until %d: %v, want BadParameter", past.Year(), err)
		}
	}
}

func TestAdmins(t *testing.T) {
	b := newBench(t, account.App{})
	for i := 1; i < account.MaxAdmins; i++ {
		if _, err := b.dir.AddAdmin(t.Context(), "test", appID, account.UserID(strings.Repeat("a", i))); err != nil {
			t.Fatalf("admin %d: %v", i+1, err)
		}
	}
	if _, err := b.dir.AddAdmin(t.Context(), "test", appID, "one-more"); account.CodeOf(err) != account.InvalidApp {
		t.Errorf("an 11th admin: %v, want InvalidApp", err)
	}
	if n, err := b.dir.Count(t.Context(), appID); n != account.MaxAdmins {
		t.Errorf("%d accounts, %v: the refused admin must not be one", n, err)
	}
	if app, err := b.dir.AddAdmin(t.Context(), "test", appID, "a"); err != nil || app.Version != account.MaxAdmins {
		t.Errorf("an admin again: %+v, %v; want no change", app, err)
	}
	app, err := b.dir.RemoveAdmin(t.Context(), "test", appID, account.Administrator)
	if err != nil || app.IsAdmin(account.Administrator) {
		t.Errorf("RemoveAdmin: %v, %v", app, err)
	}
	if _, err := b.dir.RemoveAdmin(t.Context(), "test", appID, "nobody"); account.CodeOf(err) != account.NoAccount {
		t.Errorf("removing an id that is not an admin: %v, want NoAccount", err)
	}
}

// TestAddKeyTwice adds a secret that the app has or had, which is refused: the secret
// would outlive the retirement of its other id. Only the server's configuration may add
// the secret of a retired key again.
func TestAddKeyTwice(t *testing.T) {
	key := account.Key{Kind: account.HMACKey, Secret: "s1"}
	b := newBench(t, account.App{Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "s1"}}})
	add := func(want string, add func(context.Context, string, account.AppID, account.Key) (*account.App, error)) {
		t.Helper()
		app, err := add(t.Context(), "test", appID, key)
		e, _ := errors.AsType[*account.Error](err)
		switch {
		case want == "" && err == nil && len(app.ActiveKeys(b.now)) == 1:
		case want != "" && e != nil && e.Code == account.Conflict && strings.Contains(e.Detail, want):
		default:
			t.Errorf("%v, %v; want %q", app, err, want)
		}
	}
	add("has that secret already, as key 1", b.dir.AddKey)
	configured := func(ctx context.Context, actor string, app account.AppID, k account.Key) (*account.App, error) {
		return b.dir.AddConfiguredKey(ctx, actor, app, k, "file-")
	}
	add("", configured) // it changes nothing
	if _, err := b.dir.RetireKey(t.Context(), "test", appID, "1", b.now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	add("has that secret already, as key 1", b.dir.AddKey) // it is active for an hour
	if _, err := b.dir.RetireKey(t.Context(), "test", appID, "1", time.Time{}); err != nil {
		t.Fatal(err)
	}
	add("was key 1, which was retired", b.dir.AddKey)
	add("", configured)
	if app, err := b.dir.App(t.Context(), appID); err != nil || len(app.Keys) != 2 || app.Keys[1].ID != "file-1" || app.Version != 4 {
		t.Errorf("%+v, %v; want a second key and three changes", app, err)
	}
}

// TestKeyRefusalsNameNoUnknownID adds invalid keys without an id. The error must not name
// the id that the key would have got.
func TestKeyRefusalsNameNoUnknownID(t *testing.T) {
	b := newBench(t, account.App{})
	for secret, want := range map[string]string{"": "the key: it is empty", "{\"kty\":\"EC\"}": "the key: it is a public key, "} {
		key := account.Key{Kind: account.HMACKey, Secret: secret}
		_, err := b.dir.AddKey(t.Context(), "test", appID, key)
		if got := account.DetailOf(err); account.CodeOf(err) != account.InvalidApp || !strings.HasPrefix(got, want) {
			t.Errorf("AddKey: %v, want %q", err, want)
		}
		_, err = b.dir.CreateApp(t.Context(), "test", account.App{ID: 2, Edition: account.Trial, Keys: []account.Key{key}})
		if got := account.DetailOf(err); account.CodeOf(err) != account.InvalidApp || !strings.HasPrefix(got, want) {
			t.Errorf("CreateApp: %v, want %q", err, want)
		}
	}
}

// TestKeysMakeRoom adds a key to an app with the maximum number of keys. The key that was
// retired first is removed.
func TestKeysMakeRoom(t *testing.T) {
	b := newBench(t, account.App{})
	key := func(n int) account.Key { return account.Key{Kind: account.HMACKey, Secret: fmt.Sprint("s", n)} }
	for n := range account.MaxKeys {
		if _, err := b.dir.AddKey(t.Context(), "test", appID, key(n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.dir.AddKey(t.Context(), "test", appID, key(account.MaxKeys)); account.CodeOf(err) != account.InvalidApp {
		t.Errorf("one key more: %v, want InvalidApp", err)
	}
	for _, id := range []string{"7", "3"} {
		b.now = b.now.Add(time.Second)
		if _, err := b.dir.RetireKey(t.Context(), "test", appID, id, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	app, err := b.dir.AddKey(t.Context(), "test", appID, key(account.MaxKeys))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range app.Keys {
		if k.ID == "7" {
			t.Error("the key that was retired first still exists")
		}
	}
	if newest := app.Keys[len(app.Keys)-1]; newest.ID != "21" {
		t.Errorf("the new key has the id %s, want 21", newest.ID)
	}
}

// TestCreateAppAgain checks that creating an app that exists does not change its accounts.
func TestCreateAppAgain(t *testing.T) {
	b := newBench(t, account.App{})
	_, err := b.dir.CreateApp(t.Context(), "test", account.App{ID: appID, Edition: account.Trial, Admins: []account.UserID{"intruder"}})
	if account.CodeOf(err) != account.Exists {
		t.Errorf("CreateApp: %v, want Exists", err)
	}
	if _, err := b.dir.Account(t.Context(), appID, "intruder"); account.CodeOf(err) != account.NoAccount {
		t.Errorf("Account: %v, want NoAccount", err)
	}
}
