package auth

import (
	"context"
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

// TestQueue occupies every slot of the queue for an app with an ECDSA key:
//   - Cached UserSigs pass.
//   - New ones wait until their context ends, which is not counted as a bad
//     UserSig.
//   - Apps without such a key are not affected.
func TestQueue(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp, Settings: account.Settings{LockoutAfter: 1}}, account.App{ID: secondApp})
	if _, err := f.dir.AddKey(t.Context(), "test", firstApp, publicKey(t)); err != nil {
		t.Fatal(err)
	}
	now := f.time.Unix()
	known := sign(t, testKey, firstApp, "administrator", now)
	fresh := sign(t, testKey, firstApp, "administrator", now-1)
	other := sign(t, testKey, secondApp, "administrator", now)
	synctest.Test(t, func(t *testing.T) {
		ask := func(app account.AppID, sig string, want account.Code, after time.Duration) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			_, err := f.identify(ctx, t, Credentials{App: f.app(t, app), Identifier: "administrator", UserSig: sig, Peer: peer})
			if account.CodeOf(err) != want || time.Since(start) != after {
				t.Errorf("%v after %v, want %v after %v", err, time.Since(start), want, after)
			}
		}
		f.ecdsa = &queue{make(chan struct{}, 1)}
		ask(firstApp, known, account.OK, 0)
		if err := f.ecdsa.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ask(firstApp, known, account.OK, 0)
		ask(secondApp, other, account.OK, 0)
		ask(firstApp, fresh, account.Unavailable, time.Second)
		f.ecdsa.leave()
		ask(firstApp, fresh, account.OK, 0)
	})
}

// TestQueueSlots checks that a refusal frees its slot.
func TestQueueSlots(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp})
	if _, err := f.dir.AddKey(t.Context(), "test", firstApp, publicKey(t)); err != nil {
		t.Fatal(err)
	}
	bad := sign(t, "other", firstApp, "administrator", f.time.Unix())
	for range 2 * cap(f.ecdsa.slots) {
		if got := f.ask(t, firstApp, "administrator", bad); got != "bad signature" {
			t.Errorf("%s, want bad signature", got)
		}
	}
	if n := len(f.ecdsa.slots); n != 0 {
		t.Errorf("%d slots are still occupied", n)
	}
}
