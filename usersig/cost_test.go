package usersig

import (
	"crypto/elliptic"
	"slices"
	"testing"
	"time"
)

// TestExplainCost checks the estimate for each kind of key, and its limit for
// any number of keys.
func TestExplainCost(t *testing.T) {
	koblitz, err := ParsePublicKey([]byte(keyFiles(t)["secp256k1.public.pem"]))
	if err != nil {
		t.Fatal(err)
	}
	const ms, us = time.Millisecond, time.Microsecond
	for _, test := range []struct {
		name     string
		key      Key
		one, all time.Duration // cost of one key, and of twenty
	}{
		{"HMAC", HMACKey(vectorSecret), ms / 4, 1400 * us},
		{"P-256", mustPublic(t, newPEM(t, elliptic.P256())), ms, 5600 * us},
		{"secp256k1", koblitz, 2 * ms, 11200 * us},
		{"P-224", mustPublic(t, newPEM(t, elliptic.P224())), 3 * ms, 14100 * us},
		{"P-384", mustPublic(t, newPEM(t, elliptic.P384())), 12 * ms, 34800 * us},
		{"P-521", mustPublic(t, newPEM(t, elliptic.P521())), 55 * ms, 159500 * us},
	} {
		text, other := textV1, HMACKey("other")
		if test.key.hmac == nil {
			text = envelop(t, good1, -1)
		} else {
			other = koblitz // is not compared
		}
		r := vectorRequest("u")
		r.Keys = []Key{other, test.key, other}
		if got := ExplainCost(text, r); got != test.one {
			t.Errorf("%s: %v, want %v", test.name, got, test.one)
		}
		r.Keys = slices.Repeat([]Key{test.key}, 20)
		if got := ExplainCost(text, r); got != test.all {
			t.Errorf("twenty of %s: %v, want %v", test.name, got, test.all)
		}
	}
	for _, text := range []string{"", "x", textV1} {
		if got := ExplainCost(text, Request{}); got != ms/4 {
			t.Errorf("%.9q without a key: %v, want a quarter of a millisecond", text, got)
		}
	}
}

// TestSlowKeysAreComparedAlone explains mistakes that were made with one of two
// keys on a slow curve. Only the newest key is compared.
func TestSlowKeysAreComparedAlone(t *testing.T) {
	for curve, want := range map[elliptic.Curve][2]string{
		elliptic.P256(): {"the last line was signed without its line feed", "the last line was signed without its line feed"},
		elliptic.P384(): {"not signed with any of the keys, or altered since", "the last line was signed without its line feed"},
	} {
		p := newPEM(t, curve)
		signer, mine, other := mustPrivate(t, p), mustPublic(t, p), mustPublic(t, newPEM(t, curve))
		sig := signRaw(t, signer, mistakenLines1[:len(mistakenLines1)-1])
		for i, keys := range [][]Key{{mine, other}, {other, mine}} {
			if got := why(explainSig1(t, sig, keys...), "signature"); got != want[i] {
				t.Errorf("%s, %d: %q, want %q", curve.Params().Name, i, got, want[i])
			}
		}
	}
}
