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
)

// No way of printing a key shows its secret, alone or inside something.
func TestKeyKeepsItsSecret(t *testing.T) {
	const secret = "5bd2850fff3ecb11"
	k := account.Key{ID: "main", Kind: account.HMACKey, Secret: secret}
	type holder struct{ Key account.Key }
	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for name, v := range map[string]any{
			"key": k, "pointer": &k, "slice": []account.Key{k}, "struct": holder{k}, "app": account.App{Keys: []account.Key{k}},
		} {
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

// JSON is the form in which keys are stored: it has the secret and comes back
// whole.
func TestKeyAsJSON(t *testing.T) {
	created := time.UnixMilli(1700000000123).UTC()
	for want, k := range map[string]account.Key{
		`{"id":"1","kind":"hmac","secret":"s","created":"2023-11-14T22:13:20.123Z"}`: {
			ID: "1", Kind: account.HMACKey, Secret: "s", Created: created,
		},
		`{"id":"2","kind":"ecdsa","secret":"p","created":"2023-11-14T22:13:20.123Z","retired":"2023-11-14T23:13:20.123Z"}`: {
			ID: "2", Kind: account.ECDSAKey, Secret: "p", Created: created, Retired: created.Add(time.Hour),
		},
	} {
		b, err := json.Marshal(k)
		if err != nil || string(b) != want {
			t.Errorf("%s, %v\nwant %s", b, err, want)
		}
		var back account.Key
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(k, back); diff != "" {
			t.Errorf("after a round trip (-want +got):\n%s", diff)
		}
	}
}

func TestFingerprint(t *testing.T) {
	// printf %s secret | sha256sum
	const want = "2bb80d537b1da3e3"
	if got := (account.Key{ID: "1", Secret: "secret"}).Fingerprint(); got != want {
		t.Errorf("Fingerprint = %s, want %s", got, want)
	}
}
