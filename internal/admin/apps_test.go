package admin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/backup"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/pebble"
	"rollcall/internal/testutil"
)

const appPath = "/admin/v1/apps/1400000001"

func TestApps(t *testing.T) {
	onEngines(t, func(b *bench) {
		if got := b.call("GET", "/admin/v1", "").body; got != `{"version":"test","store":"kind","apps":0}` {
			b.Errorf("about: %s", got)
		}
		made := b.createApp(1400000001)
		if len(made.Secret) != 64 {
			b.Errorf("the secret has %d characters, want 64", len(made.Secret))
		}
		fingerprint := account.Key{Secret: made.Secret}.Fingerprint()
		want := `{"sdkappid":1400000001,"name":"n","edition":"pro","disabled":false,"test":false,` +
			`"created_at":"2026-05-06T07:08:09.123Z","version":1,"admins":["administrator"],"settings":{},` +
			`"keys":[{"id":"1","kind":"hmac","created_at":"2026-05-06T07:08:09.123Z","fingerprint":"` + fingerprint + `"}]}`
		got := b.call("GET", appPath, "")
		if got.body != want || got.header.Get("ETag") != `"1"` {
			b.Errorf("app %s\nwant %s; ETag %s", got.body, want, got.header.Get("ETag"))
		}
		if got := b.call("GET", "/admin/v1/apps", "").body; got != `{"apps":[`+want+`],"next_cursor":""}` {
			b.Errorf("apps: %s", got)
		}
		b.problem(b.call("POST", "/admin/v1/apps", `{"sdkappid":1400000001,"secret":"x"}`), "exists")
		if got := b.call("DELETE", appPath, ""); got.status != 204 || got.body != "" {
			b.Errorf("delete: %d %q", got.status, got.body)
		}
		b.problem(b.call("GET", appPath, ""), "not-found")
		b.problem(b.call("DELETE", appPath, ""), "not-found")
		if got := b.call("GET", "/admin/v1/apps", "").body; got != `{"apps":[],"next_cursor":""}` {
			b.Errorf("apps: %s", got)
		}
	})
}

// TestCreateAppWhole sends every member of the body.
func TestCreateAppWhole(t *testing.T) {
	onEngines(t, func(b *bench) {
		secret := strings.Repeat("a secret of ours, ", 2) + "and more"
		b.secret(secret)
		r := b.call("POST", "/admin/v1/apps", `{"sdkappid":1400000001,"name":"shop","edition":"trial","test":true,
			"admins":["boss"],"secret":"`+secret+`",
			"settings":{"quota":7,"custom_tags":[{"key":"Hobby"}],"allow_sources":["10.0.0.0/8"],"rate_limits":{"kick":5}}}`)
		if r.status != 201 || strings.Contains(r.body, "secret") {
			b.Fatalf("%d %s", r.status, r.body)
		}
		settings := `"settings":{"quota":7,"custom_tags":[{"key":"Hobby"}],"allow_sources":["10.0.0.0/8"],"rate_limits":{"kick":5}}`
		if !strings.Contains(r.body, settings) || !strings.Contains(r.body, `"admins":["administrator","boss"]`) {
			b.Errorf("%s", r.body)
		}
		if got := b.call("GET", appPath+"/accounts:count", "").body; got != `{"count":2}` {
			b.Errorf("count %s: admins are accounts", got)
		}
	})
}

// TestBadBodies sends bodies that are refused. Nothing of them may be stored or logged.
func TestBadBodies(t *testing.T) {
	b := newBench(t, new(mem.Store))
	const secret = "this-must-not-be-logged"
	b.secret(secret)
	for body, want := range map[string]string{
		``:                                     "the SDKAppID is 0",
		`[]`:                                   "not a JSON object",
		`{"sdkappid":1`:                        "not JSON",
		`{"sdkappid":1}{}`:                     "not JSON",
		`{"sdkappid":1,"sdkappid":2}`:          "/sdkappid twice",
		`{"SDKAppID":1}`:                       "/SDKAppID, which is unknown",
		`{"sdkappid":"1"}`:                     "/sdkappid in the body is not a whole number from 0 to 4294967295",
		`{"sdkappid":-1}`:                      "/sdkappid in the body is not a whole number from 0 to 4294967295",
		`{"sdkappid":1,"settings":{"qota":1}}`: "/settings/qota, which is unknown",
		`{"sdkappid":1,"settings":{"allow_sources":["x"]}}`:                         `/settings/allow_sources/0 in the body does not fit; allow_sources takes a list of networks, as ["192.0.2.0/24","2001:db8::1/128"]`,
		`{"sdkappid":1,"settings":{"quota":"7"}}`:                                   "/settings/quota in the body does not fit; quota takes a whole number from 0 up, as 1000",
		`{"sdkappid":1,"settings":{"custom_tags":[{"key":7}]}}`:                     `/settings/custom_tags/0/key in the body does not fit; custom_tags takes a list of objects with a key, as [{"key":"team"}`,
		`{"sdkappid":1,"settings":7}`:                                               "/settings in the body is not in the form that /openapi/admin.json describes",
		`{"sdkappid":1,"admins":["\xff"]}`:                                          "the body is not JSON",
		`{"sdkappid":1,"settings":{"quota":-1}}`:                                    "the quota is negative",
		`{"sdkappid":1,"edition":"gold"}`:                                           "edition \"gold\" is unknown",
		`{"sdkappid":1,"admins":["@x"]}`:                                            `admin "@x": UserIDs that start with @`,
		`{"sdkappid":1,"secret":"` + secret + `","public_key":"x"}`:                 "not both",
		`{"sdkappid":1,"secret":["` + secret + `"]}`:                                "/secret in the body is not a text",
		`{"sdkappid":1,"secrt":"` + secret + `"}`:                                   "/secrt, which is unknown",
		`{"sdkappid":1,"secret":"` + secret + `\n"}`:                                "white space or a byte order mark stands around it",
		`{"sdkappid":1,"public_key":"-----BEGIN PRIVATE KEY-----\n` + secret + `"}`: "its PEM ends early",
		`{"sdkappid":1,"secret":"\"` + secret + `\""}`:                              "secret: the key is in quotes; remove them",
		`{"sdkappid":1,"secret":" ` + secret + `"}`:                                 "secret: white space or a byte order mark stands around it",
		`{"sdkappid":1,"secret":"\ufeff` + secret + `"}`:                            "secret: white space or a byte order mark stands around it",
		`{"sdkappid":1,"secret":"` + secret + `\n` + secret + `"}`:                  "secret: it has several lines",
		`{"sdkappid":1,"secret":"` + strings.Repeat(secret, 200) + `"}`:             "at most 4096 bytes",
		`{"sdkappid":1,"name":"` + strings.Repeat("x", 201) + `"}`:                  "longer than 200 bytes",
		`{"sdkappid":1,"settings":{"any_signature":true}}`:                          "only for apps that were created as test apps",
	} {
		got := b.call("POST", "/admin/v1/apps", body)
		if p := b.problem(got, "bad-request"); !strings.Contains(p.Detail, want) {
			t.Errorf("%.80s: %q, want %q", body, p.Detail, want)
		}
		if strings.Contains(got.body, secret) {
			t.Errorf("%.80s: the response contains the secret", body)
		}
	}
	b.problem(b.call("POST", "/admin/v1/apps", `{"name":"`+strings.Repeat("x", admin.MaxBody)+`"}`), "too-large")
	if got := b.call("GET", "/admin/v1/apps", "").body; got != `{"apps":[],"next_cursor":""}` {
		t.Errorf("apps: %s", got)
	}
}

func TestAppPages(t *testing.T) {
	onEngines(t, func(b *bench) {
		for i := range 7 {
			b.createApp(1400000001 + i)
		}
		var ids []uint32
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			p := ok[adminapi.AppPage](b, 200, "GET", "/admin/v1/apps?limit=3&cursor="+cursor, "")
			for _, a := range p.Apps {
				ids = append(ids, a.SDKAppID)
			}
			cursor = p.NextCursor
		}
		if len(ids) != 7 || !slices.IsSorted(ids) {
			b.Errorf("ids %v", ids)
		}
	})
}

func TestChangeApp(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		for i, tt := range []struct{ patch, settings string }{
			{
				`{"settings":{"quota":10,"words":["a","b"],"rate_limits":{"kick":5,"querystate":6},"allow_delete":true}}`,
				`{"quota":10,"allow_delete":true,"words":["a","b"],"rate_limits":{"kick":5,"querystate":6}}`,
			},
			{`{"settings":{"words":["c"]}}`, // an array is replaced as a whole
				`{"quota":10,"allow_delete":true,"words":["c"],"rate_limits":{"kick":5,"querystate":6}}`},
			{`{"settings":{"rate_limits":{"kick":null,"portrait_set":7}}}`, // an object is merged
				`{"quota":10,"allow_delete":true,"words":["c"],"rate_limits":{"portrait_set":7,"querystate":6}}`},
			{`{"settings":{"quota":null,"rate_limits":null,"allow_delete":false}}`, // null is the default
				`{"words":["c"]}`},
			{`{"settings":{},"name":"new"}`, `{"words":["c"]}`},
		} {
			got := b.call("PATCH", appPath, tt.patch)
			if got.status != 200 || !strings.Contains(got.body, `"settings":`+tt.settings+`,`) {
				b.Errorf("%s: %d %s\nwant %s", tt.patch, got.status, got.body, tt.settings)
			}
			if want := fmt.Sprintf(`"%d"`, i+2); got.header.Get("ETag") != want {
				b.Errorf("%s: ETag %s, want %s", tt.patch, got.header.Get("ETag"), want)
			}
		}
		a := ok[adminapi.App](b, 200, "PATCH", appPath, `{"disabled":true,"edition":"trial"}`)
		if a.Name != "new" || !a.Disabled || a.Edition != string(account.Trial) {
			b.Errorf("%+v", a)
		}
		if e := audit(b)[0]; e.Actor != "token-admin" || e.Action != "app.change" || e.Detail != "disabled, edition" || e.SDKAppID != 1400000001 {
			b.Errorf("entry %+v", e)
		}
	})
}

func TestChangeAppRefused(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.createApp(1400000001)
	for _, patch := range []string{
		``, `{}`, `{"name":null}`, `{"settings":null}`, `{"settings":[]}`, `{"settings":{"qota":1}}`, `{"settings":{"qota":null}}`,
		`{"settings":{"rate_limits":{"a":{"b":{"c":{"d":{}}}}}}}`, `{"settings":{"rate_limits":{"kick":-1}}}`, `{"settings":{"quota":"x"}}`,
		`{"keys":[]}`, `{"version":7}`, `{"edition":"gold"}`, `{"test":true}`,
	} {
		b.problem(b.call("PATCH", appPath, patch), "bad-request")
	}
	b.problem(b.call("PATCH", "/admin/v1/apps/1400000009", `{"name":"x"}`), "not-found")
	if a := ok[adminapi.App](b, 200, "GET", appPath, ""); a.Version != 1 || a.Settings.Quota != 0 {
		t.Errorf("%+v", a)
	}
}

func TestIfMatch(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		patch := func(match ...string) reply {
			return b.send(request{
				method: "PATCH", path: appPath, body: `{"name":"x"}`,
				token: b.tokens[account.ScopeWrite], header: http.Header{"If-Match": match},
			})
		}
		if got := patch(`"1"`); got.status != 200 {
			b.Errorf("the present version: %d %s", got.status, got.body)
		}
		for _, match := range []string{`"1"`, `"3"`} {
			got := patch(match)
			if p := b.problem(got, "conflict"); got.status != 409 || !strings.Contains(p.Detail, "version 2") {
				b.Errorf("%s: %d %s", match, got.status, p.Detail)
			}
		}
		for _, match := range []string{`1`, `""`, `"x"`, `"0"`, `W/"2"`} {
			b.problem(patch(match), "bad-request")
		}
		b.problem(patch(`"2"`, `"2"`), "bad-request")
		if got := patch(`*`); got.status != 200 || got.header.Get("ETag") != `"3"` {
			b.Errorf("any version: %d %s", got.status, got.body)
		}
	})
}

func TestDeleteApp(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		b.imports("a")
		b.problem(b.call("DELETE", appPath, ""), "conflict")
		app, err := b.dir.App(b.Context(), 1400000001)
		if err != nil {
			b.Fatal(err)
		}
		if got := b.call("PATCH", appPath, `{"settings":{"allow_delete":true}}`); got.status != 200 {
			b.Fatal(got.body)
		}
		if app, err = b.dir.App(b.Context(), app.ID); err != nil {
			b.Fatal(err)
		}
		if _, err := b.dir.Delete(b.Context(), app, []account.UserID{"a"}); err != nil {
			b.Fatal(err)
		}
		if got := b.call("DELETE", appPath, ""); got.status != 204 {
			b.Errorf("%d %s", got.status, got.body)
		}
		b.createApp(1400000001)
		b.imports("a") // no tombstone is left
	})
}

// imports imports accounts of the app. All must be new.
func (b *bench) imports(ids ...account.UserID) {
	b.Helper()
	app, err := b.dir.App(b.Context(), 1400000001)
	if err != nil {
		b.Fatal(err)
	}
	items := make([]account.Upsert, len(ids))
	for i, id := range ids {
		items[i].ID = id
	}
	results, err := b.dir.Import(b.Context(), app, items)
	if err != nil {
		b.Fatal(err)
	}
	for i, r := range results {
		if r.Code != account.OK {
			b.Fatalf("import of %q: %v", ids[i], r.Code)
		}
	}
}

func TestKeys(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		made := ok[adminapi.CreatedKey](b, 201, "POST", appPath+"/keys", ``)
		b.secret(made.Secret)
		if made.Key.ID != "2" || made.Key.Kind != string(account.HMACKey) || len(made.Secret) != 64 {
			b.Errorf("made %+v", made.Key)
		}
		b.secret("my own secret")
		given := ok[adminapi.CreatedKey](b, 201, "POST", appPath+"/keys", `{"secret":"my own secret"}`)
		if given.Secret != "" || given.Key.ID != "3" {
			b.Errorf("given %+v", given.Key)
		}
		if e := audit(b)[0]; e.Action != "key.add" || e.Detail != "hmac key "+given.Key.Fingerprint {
			b.Errorf("entry %+v", e)
		}
		public := ok[adminapi.CreatedKey](b, 201, "POST", appPath+"/keys", fmt.Sprintf(`{"public_key":%q}`, newPublicKey(b.T)))
		if public.Key.Kind != string(account.ECDSAKey) || public.Secret != "" {
			b.Errorf("public %+v", public)
		}
		at := ok[adminapi.Key](b, 200, "POST", appPath+"/keys/2/retire", `{"at":"2027-01-02T03:04:05+01:00"}`)
		if got := at.RetiredAt.Format(time.RFC3339Nano); got != "2027-01-02T02:04:05Z" {
			b.Errorf("retired at %s", got)
		}
		soon := ok[adminapi.Key](b, 200, "POST", appPath+"/keys/1/retire", ``)
		if got := soon.RetiredAt.Format(time.RFC3339Nano); got != "2026-05-06T07:08:09.123Z" {
			b.Errorf("retired at %s", got)
		}
		b.problem(b.call("POST", appPath+"/keys/9/retire", ``), "not-found")
		b.problem(b.call("POST", appPath+"/keys/1/retire", `{"at":"tomorrow"}`), "bad-request")
		b.problem(b.call("POST", appPath+"/keys", `{"public_key":"my own secret"}`), "bad-request")
		b.problem(b.call("POST", "/admin/v1/apps/1400000009/keys", ``), "not-found")
		for _, path := range []string{appPath, "/admin/v1/apps", "/admin/v1/audit"} {
			body := b.call("GET", path, "").body
			for _, secret := range b.secrets {
				if strings.Contains(body, secret) {
					b.Errorf("%s shows a secret", path)
				}
			}
		}
	})
}

// newPublicKey returns a public key in PEM.
func newPublicKey(t *testing.T) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestAdmins(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		a := ok[adminapi.App](b, 200, "PUT", appPath+"/admins/big%2Fboss%20%3F", "")
		if diff := cmp.Diff([]string{"administrator", "big/boss ?"}, a.Admins); diff != "" {
			b.Errorf("admins (-want +got):\n%s", diff)
		}
		if again := ok[adminapi.App](b, 200, "PUT", appPath+"/admins/big%2Fboss%20%3F", ""); again.Version != a.Version {
			b.Errorf("version %d after the same again, want %d", again.Version, a.Version)
		}
		for id, want := range map[string]string{"@robot": `admin "@robot": UserIDs that start with`, "%ff": `admin "\xff": the UserID may hold only`} {
			if p := b.problem(b.call("PUT", appPath+"/admins/"+id, ""), "bad-request"); !strings.HasPrefix(p.Detail, want) {
				b.Errorf("%s: %s", id, p.Detail)
			}
		}
		b.problem(b.call("DELETE", appPath+"/admins/nobody", ""), "not-found")
		for _, path := range []string{"%2F", "%2f%2F", ".", ".."} {
			id, err := url.PathUnescape(path)
			if err != nil {
				b.Fatal(err)
			}
			a = ok[adminapi.App](b, 200, "PUT", appPath+"/admins/"+path, "")
			if last := a.Admins[len(a.Admins)-1]; last != id {
				b.Errorf("%s made %q an admin", path, last)
			}
			if got := ok[adminapi.Account](b, 200, "GET", appPath+"/accounts/"+path, ""); got.UserID != id {
				b.Errorf("%s is the account %q", path, got.UserID)
			}
			ok[adminapi.App](b, 200, "DELETE", appPath+"/admins/"+path, "")
		}
		a = ok[adminapi.App](b, 200, "DELETE", appPath+"/admins/administrator", "")
		if diff := cmp.Diff([]string{"big/boss ?"}, a.Admins); diff != "" {
			b.Errorf("admins (-want +got):\n%s", diff)
		}
		if p := b.problem(b.call("DELETE", appPath+"/admins/big%2Fboss%20%3F", ""), "bad-request"); p.Detail != "an app keeps at least one admin; add another admin first" {
			b.Errorf("the last admin: %s", p.Detail)
		}
		if got := b.call("GET", appPath+"/accounts:count", "").body; got != `{"count":6}` {
			b.Errorf("count %s: who was an admin stays an account", got)
		}
	})
}

// TestBackup uses a store that can be copied and one that cannot.
func TestBackup(t *testing.T) {
	b := newBench(t, new(mem.Store))
	dir := filepath.Join(t.TempDir(), "backup")
	b.problem(b.call("POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, dir)), "unsupported")
	b.problem(b.call("POST", "/admin/v1/keys:reseal", ""), "unsupported")
	able := newBench(t, copier{Store: new(mem.Store)})
	for _, bad := range []string{"", "relative", dir + "/", dir + "/../x", filepath.Join(dir, "missing", "x")} {
		able.problem(able.call("POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, bad)), "bad-request")
	}
	above := filepath.Dir(dir)
	for _, bad := range []string{above + `/a\u0000b`, above + `\u0000/b`, above + "/" + strings.Repeat("n", 239), above + "/" + strings.Repeat("n", 256) + "/x", above + strings.Repeat("/nnnnnnn", 500)} {
		able.problem(able.call("POST", "/admin/v1/backup", `{"dir":"`+bad+`"}`), "bad-request")
	}
	able.problem(able.call("POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, t.TempDir())), "exists")

	able.createApp(1400000001)
	able.imports("a", "b")
	ok[adminapi.Backup](able, 200, "POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, filepath.Join(above, strings.Repeat("n", 238))))
	got := ok[adminapi.Backup](able, 200, "POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, dir))
	if got.TookMS < 0 {
		t.Errorf("it took %d ms", got.TookMS)
	}
	got.TookMS = 0
	if diff := cmp.Diff(adminapi.Backup{Dir: dir, Accounts: 3, Apps: 1, Bytes: got.Bytes}, got); diff != "" {
		t.Errorf("backup (-want +got):\n%s", diff)
	}
	if e := audit(able)[0]; e.Action != "backup.create" || e.Actor != "token-admin" || e.Detail != dir || e.SDKAppID != 0 {
		t.Errorf("entry %+v", e)
	}
	before := len(audit(able))
	able.problem(able.call("POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, dir)), "exists")
	if after := len(audit(able)); after != before {
		t.Errorf("%d entries, then %d after a backup that failed", before, after)
	}
}

// A deadlineRecorder records the deadlines that are set.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	read   time.Time
	writes []time.Time
}

func (r *deadlineRecorder) SetReadDeadline(t time.Time) error {
	r.read = t
	return nil
}

func (r *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	r.writes = append(r.writes, t)
	return nil
}

// TestBackupDeadlines checks that a backup may take hours, that its request has no more
// time than others, and that a client who reads the response slowly has not, either.
func TestBackupDeadlines(t *testing.T) {
	b := newBench(t, copier{Store: new(mem.Store)})
	s := admin.New(admin.Options{Directory: b.dir, Logger: testutil.Logger(t)})
	token, err := b.dir.Authenticate(t.Context(), b.tokens[account.ScopeAdmin])
	if err != nil {
		t.Fatal(err)
	}
	newDir := func() string { return filepath.Join(t.TempDir(), "backup") }
	for name, call := range map[string]func(http.ResponseWriter) error{
		"HTTP": func(w http.ResponseWriter) error {
			r := httptest.NewRequest("POST", "http://localhost/admin/v1/backup", strings.NewReader(fmt.Sprintf(`{"dir":%q}`, newDir())))
			r.Header.Set("Authorization", "Bearer "+b.tokens[account.ScopeAdmin])
			s.ServeHTTP(w, r)
			return nil
		},
		"Do": func(w http.ResponseWriter) error {
			_, err := s.Do(t.Context(), token, w, admin.Request{Route: "backup", Body: adminapi.NewBackup{Dir: newDir()}})
			return err
		},
	} {
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		err := call(w)
		if err != nil || w.Code != http.StatusOK || !w.read.IsZero() || len(w.writes) != 2 || time.Until(w.writes[0]) < time.Hour || time.Until(w.writes[1]) > time.Minute {
			t.Errorf("%s: %d %s, %v, read until %v, write until %v; want hours for the backup and less than a minute for its response", name, w.Code, w.Body, err, w.read, w.writes)
		}
	}
	w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
	if _, err := s.Do(t.Context(), token, w, admin.Request{Route: "listApps"}); err != nil || len(w.writes) != 0 {
		t.Errorf("a usual call: %v, write until %v", err, w.writes)
	}
}

// TestBackupFails makes each step of a copy fail. The problem must say why, and no
// directory may be left, so that the call can be retried.
func TestBackupFails(t *testing.T) {
	for _, tt := range []struct {
		name, slug, detail string
		snapshot           func(dir string) error
	}{
		{"no room", "conflict", "no space left on device; free some space", func(string) error {
			return &account.Error{Code: account.Internal, Detail: "the copy cannot be made", Err: &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}}
		}},
		{"not allowed", "conflict", "permission denied; let the user of the server write to ", func(string) error { return syscall.EACCES }},
		{"read-only", "conflict", "read-only file system; choose ", func(string) error { return syscall.EROFS }},
		{"broken disk", "internal", "input/output error; check the disk", func(string) error { return syscall.EIO }},
		{"description", "conflict", "file exists", func(dir string) error {
			return os.Mkdir(filepath.Join(filepath.Dir(dir), backup.File), 0o700)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, failingCopier{copier{Store: new(mem.Store)}, tt.snapshot})
			dir := filepath.Join(t.TempDir(), "backup")
			r := b.call("POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, dir))
			b.problem(r, tt.slug)
			if !strings.Contains(r.body, tt.detail) || !strings.Contains(r.body, dir) {
				t.Errorf("response %s, want %q and the directory in it", r.body, tt.detail)
			}
			if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the directory of the failed copy is still there: %v", err)
			}
		})
	}
}

// A failingCopier copies and then calls a function of the test.
type failingCopier struct {
	copier
	then func(dir string) error
}

func (c failingCopier) Snapshot(ctx context.Context, dir string) error {
	if err := c.copier.Snapshot(ctx, dir); err != nil {
		return err
	}
	return c.then(dir)
}

// TestBackupOfFullStore checks that a backup succeeds even if the store cannot write its
// entry in the audit trail.
func TestBackupOfFullStore(t *testing.T) {
	b := newBench(t, fullStore{copier{Store: new(mem.Store)}})
	b.createApp(1400000001)
	ok[adminapi.Backup](b, 200, "POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, filepath.Join(t.TempDir(), "backup")))
	if e := audit(b)[0]; e.Action == "backup.create" {
		t.Errorf("entry %+v", e)
	}
}

// A fullStore refuses commits that only append records, such as entries of the audit
// trail.
type fullStore struct{ copier }

func (s fullStore) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if !slices.ContainsFunc(c.Writes, func(w account.Write) bool { return !w.Append }) {
		return 0, &account.Error{Code: account.Internal, Detail: "the disk is full"}
	}
	return s.copier.Commit(ctx, c)
}

// TestBackupOpens opens a copy of a store while that store is still in use.
func TestBackupOpens(t *testing.T) {
	b := newBench(t, engines["pebble"](t))
	b.createApp(1400000001)
	b.imports("a", "b")
	dir := filepath.Join(t.TempDir(), "backup")
	got := ok[adminapi.Backup](b, 200, "POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, dir))
	if got.Accounts != 3 || got.Apps != 1 || got.Bytes == 0 {
		t.Errorf("%+v", got)
	}
	b.imports("c")
	restored, err := pebble.Open(t.Context(), pebble.Options{Dir: filepath.Join(dir, backup.Store)})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := restored.Count(t.Context(), 1400000001); err != nil || n != 3 {
		t.Errorf("the copy has %d accounts, %v; want 3", n, err)
	}
	if err := restored.Close(); err != nil {
		t.Error(err)
	}
}

// A copier is an engine whose copies contain four bytes.
type copier struct{ *mem.Store }

func (copier) Snapshot(_ context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "data"), []byte("data"), 0o600)
}

// TestReseal seals secrets that were stored unsealed.
func TestReseal(t *testing.T) {
	store := new(mem.Store)
	keys := []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "a secret from before", Created: now}}
	if _, err := records.New(store, nil).CreateApp(t.Context(), account.App{ID: 1400000001, Created: now, Keys: keys}, account.AuditEntry{Time: now}); err != nil {
		t.Fatal(err)
	}
	b := newBenchOf(t, directory.Options{Engine: store, Records: records.New(store, seal.NewRing())})
	b.secret(keys[0].Secret)
	for _, want := range []string{`{"resealed":1}`, `{"resealed":0}`} {
		if got := b.call("POST", "/admin/v1/keys:reseal", ""); got.status != 200 || got.body != want {
			t.Errorf("%d %s, want %s", got.status, got.body, want)
		}
	}
	if e := audit(b)[0]; e.Action != "key.reseal" || e.Actor != "token-admin" || e.SDKAppID != 1400000001 {
		t.Errorf("entry %+v", e)
	}
	if a := ok[adminapi.App](b, 200, "GET", appPath, ""); a.Keys[0].Fingerprint != keys[0].Fingerprint() {
		t.Errorf("fingerprint %s is not of the secret", a.Keys[0].Fingerprint)
	}
}
