package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
)

// publicKey returns a new key for version 1.
func publicKey(t *testing.T) account.Key {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return account.Key{ID: "v1", Kind: account.ECDSAKey, Secret: string(text)}
}

// TestCostlySignatures takes every place to verify for an app with an ECDSA key:
// UserSigs that were genuine before pass, new ones wait until their time is over,
// which is no mistake of their sender, and apps without such a key go on.
func TestCostlySignatures(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Settings: account.Settings{RateMode: account.RateOff, LockoutAfter: 1}}, account.App{ID: listedApp})
	if _, err := f.dir.AddKey(t.Context(), "test", plainApp, publicKey(t)); err != nil {
		t.Fatal(err)
	}
	now := f.time.Unix()
	known := sign(t, testKey, plainApp, "administrator", now)
	fresh := sign(t, testKey, plainApp, "administrator", now-1)
	other := sign(t, testKey, listedApp, "administrator", now)
	synctest.Test(t, func(t *testing.T) {
		ask := func(app account.AppID, sig string, want int, after time.Duration) {
			t.Helper()
			start := time.Now()
			r := request("POST", "/v4/im_open_login_svc/account_check", params(app, "administrator", sig), checkBody)
			if got := f.post(t, r); *got.ErrorCode != want || time.Since(start) != after {
				t.Errorf("code %d after %v, want %d after %v", *got.ErrorCode, time.Since(start), want, after)
			}
		}
		f.ecdsa = &costly{make(chan struct{}, 1)}
		ask(plainApp, known, 0, 0)
		if err := f.ecdsa.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ask(plainApp, known, 0, 0)
		ask(listedApp, other, 0, 0)
		ask(plainApp, fresh, 70169, Timeout)
		f.ecdsa.leave()
		ask(plainApp, fresh, 0, 0)
	})
}

// A panic or a refusal gives the place back.
func TestCostlyPlaces(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp})
	if _, err := f.dir.AddKey(t.Context(), "test", plainApp, publicKey(t)); err != nil {
		t.Fatal(err)
	}
	bad := sign(t, "other", plainApp, "administrator", f.time.Unix())
	for range 2 * cap(f.ecdsa.places) {
		r := request("POST", "/v4/im_open_login_svc/account_check", params(plainApp, "administrator", bad), checkBody)
		if got := f.post(t, r); *got.ErrorCode != 70009 {
			t.Errorf("code %d, want 70009", *got.ErrorCode)
		}
	}
	if n := len(f.ecdsa.places); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}
