package account_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/testutil"
)

// TestKeyKeepsItsSecret checks that no way of printing a key, or a value that contains a
// key, shows its secret.
func TestKeyKeepsItsSecret(t *testing.T) {
	const secret = "5bd2850fff3ecb11"
	k := account.Key{ID: "main", Kind: account.HMACKey, Secret: secret}
	type holder struct{ Key account.Key }
	app := account.App{ID: 1400000000, Keys: []account.Key{k}}
	values := map[string]any{
		"key": k, "pointer": &k, "slice": []account.Key{k}, "struct": holder{k}, "map": map[string]account.Key{"a": k},
		"app": app, "pointer to app": &app, "apps": []*account.App{&app}, "struct of app": struct{ App account.App }{app},
	}
	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for name, v := range values {
			printed[verb+" of "+name] = fmt.Sprintf(verb, v)
		}
	}
	printed["Sprint"] = fmt.Sprint(k)
	printed["error"] = fmt.Errorf("bad key: %v", k).Error()
	var log bytes.Buffer
	o := &slog.HandlerOptions{Level: slog.LevelDebug}
	for name, h := range map[string]slog.Handler{"text": slog.NewTextHandler(&log, o), "json": slog.NewJSONHandler(&log, o)} {
		log.Reset()
		lg := slog.New(h)
		lg.Info("x", "key", k)
		lg.Info("x", "key", &k)
		lg.With("key", k).Info("x", slog.Group("g", "key", k))
		printed["slog "+name] = log.String()
		for of, v := range values {
			log.Reset()
			lg.Info("x", "value", v)
			printed["%slog "+name+" of "+of] = log.String()
		}
	}
	for name, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		printed["%json of "+name] = string(b)
	}
	for how, got := range printed {
		if strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
			t.Errorf("%s shows the secret: %s", how, got)
		}
		if how[0] != '%' && !strings.Contains(got, "hmac key main") {
			t.Errorf("%s does not name the key: %s", how, got)
		}
	}
}

// TestLoggedApps logs apps with secrets. TestMain fails if a secret is in a log.
func TestLoggedApps(t *testing.T) {
	secret := strings.Repeat("0123456789abcdef", 4)
	testutil.Secret(t, secret)
	app := account.App{ID: 1400000000, Edition: account.Pro, Keys: []account.Key{{ID: "main", Kind: account.HMACKey, Secret: secret}}}
	for _, h := range []slog.Handler{testutil.Logger(t).Handler(), slog.NewJSONHandler(testutil.Keep(t, t.Output()), nil)} {
		slog.New(h).Info("changed", "app", app, "pointer", &app, "keys", app.Keys, "stored", app.Stored())
	}
}

// TestStoredApp checks that the stored form of an app contains the secrets of its keys,
// and that decoding it returns the same app.
func TestStoredApp(t *testing.T) {
	created := time.UnixMilli(1700000000123).UTC()
	app := account.App{
		ID: 1, Edition: account.Trial, Created: created, Admins: []account.UserID{"a"},
		Keys: []account.Key{
			{ID: "1", Kind: account.HMACKey, Secret: "s", Created: created},
			{ID: "2", Kind: account.ECDSAKey, Secret: "p", Created: created, Retired: created.Add(time.Hour)},
		},
	}
	const want = `{"sdkappid":1,"edition":"trial","created":"2023-11-14T22:13:20.123Z","version":0,"admins":["a"],"settings":{},` +
		`"keys":[{"id":"1","kind":"hmac","secret":"s","created":"2023-11-14T22:13:20.123Z"},` +
		`{"id":"2","kind":"ecdsa","secret":"p","created":"2023-11-14T22:13:20.123Z","retired":"2023-11-14T23:13:20.123Z"}]}`
	b, err := json.Marshal(app.Stored())
	if err != nil || string(b) != want {
		t.Errorf("%s, %v\nwant %s", b, err, want)
	}
	var back account.App
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(app, back); diff != "" {
		t.Errorf("after a round trip (-want +got):\n%s", diff)
	}
	// The public form of an app cannot be decoded, because its keys have no secrets.
	if b, err = json.Marshal(app); err != nil || json.Unmarshal(b, &back) == nil {
		t.Errorf("an app without its secrets was decoded: %s, %v", b, err)
	}
}

func TestFingerprint(t *testing.T) {
	// printf %s secret | sha256sum
	const want = "2bb80d537b1da3e3"
	if got := (account.Key{ID: "1", Secret: "secret"}).Fingerprint(); got != want {
		t.Errorf("Fingerprint = %s, want %s", got, want)
	}
}

// TestSameSecret compares keys. The same public key in another wrapping verifies the same
// signatures.
func TestSameSecret(t *testing.T) {
	hmac := func(text string) account.Key { return account.Key{Kind: account.HMACKey, Secret: text} }
	public := func(text string) account.Key { return account.Key{Kind: account.ECDSAKey, Secret: text} }
	const begin, end = "-----BEGIN PUBLIC KEY-----\n", "-----END PUBLIC KEY-----"
	for _, tt := range []struct {
		name string
		a, b account.Key
		want bool
	}{
		{"same text", hmac("s"), account.Key{ID: "7", Kind: account.HMACKey, Secret: "s"}, true},
		{"other text", hmac("s"), hmac("t"), false},
		{"other kind", hmac("s"), public("s"), false},
		{"other line length", public(begin + "AAAA\nAAAA\n" + end), public(begin + "AAAAAAAA\n" + end + "\n"), true},
		{"line ends of Windows", public(begin + "AAAA\n" + end), public(strings.ReplaceAll(begin+"AAAA\n"+end, "\n", "\r\n")), true},
		{"other public key", public(begin + "AAAA\n" + end), public(begin + "BBBB\n" + end), false},
		{"text that is no PEM", public("s"), public("t"), false},
	} {
		if got := tt.a.SameSecret(tt.b); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
