package seed_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/seed"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

const secret = "a secret of a seed file"

const good = `# Two apps.
apps:
  - sdkappid: 5
    name: shop
    edition: standard
    secret: a secret of a seed file
    admins: [boss]
    settings:
      allow_delete: true
      custom_tags: [{key: team}]
      rate_limits: {kick: 5}
      allow_sources: ["127.0.0.0/8"]
    accounts:
      - userid: alice
        nick: Alice
        face_url: https://example.com/a.png
        profile:
          Tag_Profile_IM_Level: 7
          Tag_Profile_Custom_team: red
      - {userid: "007"}
  - sdkappid: 6
    settings: {any_signature: true}
`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func newDirectory(now *time.Time) *directory.Directory {
	return directory.New(directory.Options{
		Engine: checked.New(new(mem.Store)), AllowTestApps: true, Commands: []string{"kick"},
		Clock: func(account.AppID) time.Time { return *now },
	})
}

func apply(t *testing.T, dir *directory.Directory, text string) error {
	t.Helper()
	f, err := seed.Read(write(t, text), []string{"kick"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Apply(t.Context(), dir)
	return err
}

// TestApply applies a file twice. The second time changes nothing.
func TestApply(t *testing.T) {
	testutil.Secret(t, secret)
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	dir := newDirectory(&now)
	f, err := seed.Read(write(t, good), []string{"kick"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Apply(t.Context(), dir)
	if err != nil || r != (seed.Result{Apps: 2, Accounts: 2}) {
		t.Fatalf("Apply = %+v, %v", r, err)
	}
	app, err := dir.App(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	if !app.Test || app.Name != "shop" || app.Edition != account.Standard || !app.IsAdmin("boss") || !app.Settings.AllowDelete || len(app.Keys) != 1 || app.Keys[0].Secret != secret {
		t.Errorf("the app %+v, settings %+v", app, app.Settings)
	}
	alice, err := dir.Account(t.Context(), 5, "alice")
	want := []account.Field{
		{Tag: account.CustomPrefix + "team", Value: account.Value{Text: "red"}},
		{Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}},
	}
	if diff := cmp.Diff(want, alice.Profile); err != nil || diff != "" || alice.Nick != "Alice" {
		t.Errorf("alice %+v, %v:\n%s", alice, err, diff)
	}
	if n, err := dir.Count(t.Context(), 5); err != nil || n != 4 {
		t.Errorf("%d accounts, %v; want 4", n, err)
	}
	trail := func() int {
		entries, err := dir.Audit(t.Context(), account.AuditQuery{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := trail()
	now = now.Add(time.Hour)
	if _, err := f.Apply(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if again, err := dir.Account(t.Context(), 5, "alice"); err != nil || !cmp.Equal(again, alice) {
		t.Errorf("alice after a second time: %+v, %v", again, err)
	}
	if after := trail(); after != before {
		t.Errorf("%d entries in the audit trail after a second time, want %d", after, before)
	}
}

// TestApplyChanges applies a file to an app that differs from it: the file adds and
// changes, and removes nothing.
func TestApplyChanges(t *testing.T) {
	testutil.Secret(t, secret)
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	dir := newDirectory(&now)
	if err := apply(t, dir, "apps: [{sdkappid: 5, secret: another secret, admins: [chief], settings: {quota: 9, allow_delete: true}, accounts: [{userid: bob}, {userid: alice, nick: A}]}]"); err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, "another secret")
	app, _ := dir.App(t.Context(), 5)
	if _, err := dir.Delete(t.Context(), app, []account.UserID{"alice"}); err != nil {
		t.Fatal(err)
	}
	if err := apply(t, dir, good); err != nil {
		t.Fatal(err)
	}
	app, err := dir.App(t.Context(), 5)
	if err != nil || len(app.Keys) != 2 || app.Edition != account.Standard || app.Settings.Quota != 0 || !app.IsAdmin("chief") || !app.IsAdmin("boss") {
		t.Errorf("the app %+v, %v", app, err)
	}
	for _, id := range []account.UserID{"alice", "bob"} {
		if _, err := dir.Account(t.Context(), 5, id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestJSON reads a file in JSON.
func TestJSON(t *testing.T) {
	b, err := json.Marshal(map[string]any{"apps": []any{map[string]any{
		"sdkappid": 7, "secret": "s", "accounts": []any{map[string]any{"userid": "a\"b", "profile": map[string]any{"Tag_Profile_IM_Level": 3}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	dir := newDirectory(&now)
	if err := apply(t, dir, string(b)); err != nil {
		t.Fatal(err)
	}
	if a, err := dir.Account(t.Context(), 7, `a"b`); err != nil || len(a.Profile) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	for _, empty := range []string{"", "# nothing\n", "apps: []", "{}"} {
		if err := apply(t, dir, empty); err != nil {
			t.Errorf("%q: %v", empty, err)
		}
	}
}

// TestMark reads a file that begins with a byte order mark.
func TestMark(t *testing.T) {
	if _, err := seed.Read(write(t, "\ufeff"+good), []string{"kick"}); err != nil {
		t.Error(err)
	}
}

// accountOf returns a file with an account that has a line more.
func accountOf(line string) string {
	return "apps:\n  - sdkappid: 5\n    accounts:\n      - userid: a\n        " + line + "\n"
}

// TestRefused reads files with an error. The text of the error ends with the wanted one.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"apps:\n  - sdkappid: 5\n    nmae: shop\n", `:3: "nmae" is unknown here: did you mean name?`},
		{"aps: []\n", `:1: "aps" is unknown here: did you mean apps?`},
		{"apps:\n  - sdkappid: 5\n    accounts:\n      - userid: a\n        nik: x\n", `:5: "nik" is unknown here: did you mean nick?`},
		{"apps:\n  - sdkappid: 5\n    accounts:\n      - userid: a\n        avatar_url: x\n", `:5: "avatar_url" is unknown here: the names are userid, nick, face_url, profile, devices, custom_status`},
		{"apps:\n  - sdkappid: 5\n    settings:\n      qouta: 5\n", `:4: "qouta" is unknown here: did you mean quota?`},
		{"apps:\n  - sdkappid: 5\n    settings:\n      quota: lots\n", `:4: quota takes a whole number from 0 up, as 1000`},
		{"apps:\n  - sdkappid: five\n", `:2: sdkappid is not a whole number from 1 to 4294967295`},
		{"apps:\n  - sdkappid: 5\n    accounts:\n      - userid: 12345\n", `:4: userid is not a text; put it in quotes`},
		{"apps: 7\n", `:1: apps is not a list`},
		{"- apps\n", `:1: the file is not a mapping of names and values`},
		{"apps:\n  - sdkappid: 5\n    name: a\n    name: b\n", `:4: "name" is in line 3 already: keep one of the two`},
		{"apps:\n  - sdkappid: 5\n  - sdkappid: 5\n", `:3: app 5 is in line 2 already: keep all of it in one place`},
		{"apps:\n  - sdkappid: 5\n    accounts:\n      - userid: a\n      - userid: a\n", `:5: account "a" is in line 4 already: keep one of the two`},
		{"apps:\n  - name: shop\n", `:2: app 0: the SDKAppID is 0; give a number from 1 to 4294967295`},
		{"apps:\n  - sdkappid: 5\n    edition: gold\n", `:2: app 5: edition "gold" is unknown; use one of [trial development standard pro enterprise]`},
		{"apps:\n  - sdkappid: 5\n    public_key: x\n    secret: y\n", `:3: app 5 has a secret and a public key: give one of them`},
		{"apps:\n  - sdkappid: 5\n    secret: |\n      two\n      lines\n", `:3: app 5: the key: it is not one line of text; a key in PEM is an ECDSA key`},
		{"apps:\n  - sdkappid: 5\n    accounts:\n      - userid: a\n        profile:\n          Tag_Profile_IM_Level: [1]\n", `:5: "Tag_Profile_IM_Level" is neither a text nor a whole number: correct its value`},
		{"apps:\n  - sdkappid: 5\n    accounts:\n      - userid: a\n        profile: {Tag_Profile_IM_Level: 1.5}\n", `:5: a number with a fraction has no place in a seed file: give a whole number, or a text in quotes`},
		{accountOf("devices: [{platfrom: Web}]"), `:5: "platfrom" is unknown here: did you mean platform?`},
		{accountOf("devices: [{platform: Web, ip: 1}]"), `:5: "ip" is unknown here: the names are platform, instance, address, state`},
		{accountOf("devices: {platform: Web}"), `:5: devices is not a list`},
		{accountOf("devices:\n          - {}"), `:6: the platform is missing; give one of [iPhone iPad Android Web MiniProgram Windows Mac Linux]`},
		{accountOf("devices: [{platform: tv}]"), `:5: the platform "tv" is unknown; give one of [iPhone iPad Android Web MiniProgram Windows Mac Linux]`},
		{accountOf("devices:\n          - platform: Web\n            address: example.com"), `:7: "example.com" is no IP address: give one, as 192.0.2.7`},
		{accountOf("devices:\n          - platform: Web\n            state: silent"), `:7: the state "silent" is unknown: give online or push`},
		{accountOf("devices:\n          - {platform: Web}\n          - {platform: Web, instance: seed, address: 192.0.2.7}"), `:7: the device "seed" of this platform is in line 6 already: give each one an instance of its own`},
		{accountOf("custom_status: " + strings.Repeat("x", 101)), `:5: the custom status has 101 bytes; give at most 100`},
		{accountOf("custom_status: busy"), `:5: only an account with a device that is online has a custom status: give it one, or leave out custom_status`},
		{accountOf("custom_status: busy\n        devices: [{platform: iPad, state: push}]"), `:5: only an account with a device that is online has a custom status: give it one, or leave out custom_status`},
		{accountOf("devices:\n          - {platform: Web, state: push}") + "    settings: {}\n", `:6: Web has no push, so its device is gone without a link: choose another platform, or name it in push_platforms`},
		{accountOf("devices:\n          - {platform: iPad}\n          - {platform: iPhone}") + "    settings: {login_mode: triple}\n", `:7: this device takes the place of another one before it: leave one out, or change login_mode, devices_per_platform or web_instances`},
		{"apps:\n  - &x\n    sdkappid: 5\n", `anchors, aliases and tags have no place in a seed file: write the value itself`},
		{"apps: []\n---\napps: []\n", `:3: a second document begins here: keep all apps in one, without "---"`},
		{"apps:\n  - sdkappid: 5\n   name: x\n", `correct the line, or the one before it`},
	} {
		_, err := seed.Read(write(t, tt.text), []string{"kick"})
		if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%q:\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
	if _, err := seed.Read(filepath.Join(t.TempDir(), "none"), nil); err == nil || !strings.HasSuffix(err.Error(), "none: there is no such seed file: correct its name") {
		t.Errorf("no file: %v", err)
	}
	if _, err := seed.Read(t.TempDir(), nil); err == nil || !strings.HasSuffix(err.Error(), "is not a file: name one") {
		t.Errorf("a directory: %v", err)
	}
}

// TestNotApplied applies files that the directory refuses, with the line.
func TestNotApplied(t *testing.T) {
	now := time.Now()
	dir := newDirectory(&now)
	if _, err := dir.CreateApp(t.Context(), "test", account.App{ID: 9, Edition: account.Development}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"apps:\n  - sdkappid: 5\n": `:2: app 5 is new and has no key: give it a secret, a public_key or the setting any_signature`,
		"apps:\n  - sdkappid: 9\n": `:2: app 9 exists and is not a test app, which is the only kind that a seed file may change: choose another sdkappid`,
		"apps:\n  - sdkappid: 6\n    secret: s\n    settings: {words: [bad]}\n    accounts:\n      - userid: a\n        nick: bad\n":             `:6: account "a": Nick holds a word that the app does not allow; change it`,
		"apps:\n  - sdkappid: 10\n    secret: s\n    accounts:\n      - userid: a\n        devices:\n          - {platform: Mac, state: push}\n": `:7: Mac has no push, so its device is gone without a link: choose another platform, or name it in push_platforms`,
		"apps:\n  - sdkappid: 7\n    secret: s\n    accounts:\n      - userid: a\n        profile: {Tag_Profile_Custom_x: y}\n":                  `:6: account "a": "Tag_Profile_Custom_x": the app has no such tag; check its spelling or declare it`,
		"apps:\n  - sdkappid: 8\n    secret: s\n    edition: trial\n    settings: {quota: 2}\n    accounts: [{userid: a},\n      {userid: b}]\n": `:7: account "b": quota full`,
	} {
		if err := apply(t, dir, text); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}
