package usersig

import (
	"crypto/elliptic"
	"testing"
)

func BenchmarkVerify(b *testing.B) {
	private := mustPrivate(b, newPEM(b, elliptic.P256()))
	version1, err := Sign(private, vectorClaims("administrator"))
	if err != nil {
		b.Fatal(err)
	}
	own, err := Sign(HMACKey(vectorSecret), vectorClaims("administrator"))
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name, text string
		key        Key
	}{
		{"stored", vectorTexts[0].text, HMACKey(vectorSecret)},
		{"deflated", vectorTexts[1].text, HMACKey(vectorSecret)}, // with zlib's fixed Huffman code, as most libraries do
		{"own", own, HMACKey(vectorSecret)},                      // with its own Huffman code, which package flate prefers
		{"ecdsa", version1, private},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := vectorRequest("administrator")
			r.Keys = []Key{bench.key}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Verify(bench.text, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	key, c := HMACKey(vectorSecret), vectorClaims("administrator")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sign(key, c); err != nil {
			b.Fatal(err)
		}
	}
}
