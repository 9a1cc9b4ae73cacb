package usersig

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// keyFiles are the files of testdata/keys.txtar.
func keyFiles(t testing.TB) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/keys.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

// TestSecp256k1OpenSSL verifies signatures of OpenSSL. About half of them have
// the larger of the two values of s.
func TestSecp256k1OpenSSL(t *testing.T) {
	files := keyFiles(t)
	for _, name := range []string{"secp256k1.public.pem", "secp256k1.compressed.pem"} {
		key, err := ParsePublicKey([]byte(files[name]))
		if err != nil || key.String() != "ECDSA secp256k1 public key" {
			t.Fatalf("%s: %v, %v", name, key, err)
		}
		r := Request{SDKAppID: vectorApp, Identifier: "administrator", Keys: []Key{key}, Now: at(0)}
		for sig := range strings.FieldsSeq(files["secp256k1.signatures.txt"]) {
			payload := strings.NewReplacer(`"u"`, `"administrator"`, "AAAA", sig).Replace(good1)
			if _, err := Verify(envelop(t, payload, 1), r); err != nil {
				t.Errorf("%s: %s: %v", name, sig, err)
			}
			if e := Explain(envelop(t, payload, 1), r); e.Code != 0 {
				t.Errorf("%s: Explain: %+v", sig, e.Steps)
			}
			altered := strings.Replace(payload, "86400", "86401", 1)
			if _, err := Verify(envelop(t, altered, 1), r); !sameReason(err, &Error{Reason: BadSignature}) {
				t.Errorf("%s: altered: %v", name, err)
			}
		}
	}
}

// TestSecp256k1Altered changes each byte of a signature.
func TestSecp256k1Altered(t *testing.T) {
	files := keyFiles(t)
	key, err := ParsePrivateKey([]byte(files["secp256k1.pem"]))
	if err != nil {
		t.Fatal(err)
	}
	s, err := vectorClaims("u").sig(1)
	if err != nil {
		t.Fatal(err)
	}
	if s.mac, err = key.sign(s); err != nil || !key.signed(s) {
		t.Fatalf("signed: %v", err)
	}
	whole := s.mac
	for i := range whole {
		s.mac = append([]byte(nil), whole...)
		s.mac[i] ^= 1
		if key.signed(s) {
			t.Errorf("a signature with another byte %d fits", i)
		}
		if s.mac = whole[:i]; key.signed(s) {
			t.Errorf("the first %d bytes of a signature fit", i)
		}
	}
	if s.mac = append(append([]byte(nil), whole...), 0); key.signed(s) {
		t.Error("a signature with a byte more fits")
	}
}

// TestSecp256k1Sign signs with the private key in both forms, and verifies.
func TestSecp256k1Sign(t *testing.T) {
	files := keyFiles(t)
	public, err := ParsePublicKey([]byte(files["secp256k1.public.pem"]))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secp256k1.pem", "secp256k1.pkcs8.pem"} {
		private, err := ParsePrivateKey([]byte(files[name]))
		if err != nil || private.String() != "ECDSA secp256k1 private key" {
			t.Fatalf("%s: %v, %v", name, private, err)
		}
		text, err := Sign(private, vectorClaims("administrator"))
		if err != nil {
			t.Fatal(err)
		}
		r := vectorRequest("administrator")
		for _, key := range []Key{public, private} {
			r.Keys = []Key{key}
			if _, err := Verify(text, r); err != nil {
				t.Errorf("%s, %v: %v", name, key, err)
			}
		}
	}
}

// TestKeyFileForms parses key files as editors may save them.
func TestKeyFileForms(t *testing.T) {
	files := keyFiles(t)
	for _, name := range []string{"secp256k1.public.pem", "p256.public.pem"} {
		for form, text := range map[string]string{
			"as it is":        files[name],
			"CR LF":           strings.ReplaceAll(files[name], "\n", "\r\n"),
			"byte order mark": "\ufeff" + files[name],
			"blanks":          " \n\t" + files[name] + "\n ",
			"text around":     "key of the app\n" + files[name] + "end",
		} {
			if _, err := ParsePublicKey([]byte(text)); err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
			}
		}
	}
}

// TestKeyMistakes parses texts that are not keys of the expected kind. The
// error must say what the text is and what is accepted.
func TestKeyMistakes(t *testing.T) {
	files := keyFiles(t)
	p256 := files["p256.public.pem"]
	public := map[string]struct{ text, want string }{
		"empty":            {"\n", "it is empty"},
		"secret key":       {vectorSecret, "it is not PEM: no line begins with -----BEGIN"},
		"private key":      {files["p256.pem"], "it is a private key (openssl pkey -pubout"},
		"private, PKCS #8": {files["secp256k1.pkcs8.pem"], "it is a private key"},
		"private, old":     {files["secp256k1.pem"], "it is a private key"},
		"certificate":      {files["p256.certificate.pem"], "it is a certificate (openssl x509 -pubkey"},
		"RSA":              {files["rsa.public.pem"], "it is an RSA key"},
		"RSA, PKCS #1":     {files["rsa.pkcs1.pem"], "it is an RSA key"},
		"RSA, private":     {files["rsa.pem"], "it is an RSA key"},
		"Ed25519, private": {files["ed25519.pem"], "it is an Ed25519 key"},
		"Ed25519":          {files["ed25519.public.pem"], "it is an Ed25519 key"},
		"X25519":           {files["x25519.public.pem"], "it is no ECDSA key, but one of the kind 1.3.101.110"},
		"brainpool":        {files["brainpool.public.pem"], "it is on the curve brainpoolP256r1"},
		"unnamed curve":    {files["secp112r1.public.pem"], "it is on the curve 1.3.132.0.6"},
		"explicit curve":   {files["p256.explicit.pem"], "its curve is spelt out instead of named"},
		"compressed":       {files["p256.compressed.pem"], "its point is compressed"},
		"damaged DER":      {string(block("PUBLIC KEY", []byte("x"))), "what its PEM block holds is damaged"},
		"point off curve":  {offCurve(files["secp256k1.public.pem"]), "what its PEM block holds is damaged"},
		"off curve, P-256": {offCurve(p256), "what its PEM block holds is damaged"},
		"quotes":           {`"` + strings.TrimSpace(p256) + `"`, "it is not PEM: it stands in quotes"},
		"written line end": {strings.ReplaceAll(p256, "\n", `\n`), `its line ends are written as \n`},
		"cut":              {p256[:100], "the line with -----END is missing"},
		"indented":         {strings.ReplaceAll(p256, "\n", "\n  "), "its PEM is damaged"},
		"other block":      {string(block("X509 CRL", []byte("x"))), `it is a PEM block of another kind ("X509 CRL")`},
	}
	for name, test := range public {
		_, err := ParsePublicKey([]byte(test.text))
		wantKeyError(t, name, err, test.want, givePublic)
	}
	private := map[string]struct{ text, want string }{
		"empty":              {"", "it is empty"},
		"public key":         {p256, "it is a public key, which only verifies"},
		"RSA":                {files["rsa.pem"], "it is an RSA key"},
		"Ed25519":            {files["ed25519.pem"], "it is an Ed25519 key"},
		"brainpool":          {files["brainpool.pem"], "it is on the curve brainpoolP256r1"},
		"encrypted":          {files["p256.encrypted.pem"], "it is encrypted (openssl ec decrypts it)"},
		"encrypted, PKCS #8": {files["p256.encrypted8.pem"], "it is an encrypted private key"},
		"damaged SEC 1":      {string(block("EC PRIVATE KEY", []byte("x"))), "damaged"},
		"damaged PKCS #8":    {string(block("PRIVATE KEY", []byte("x"))), "damaged"},
	}
	for name, test := range private {
		_, err := ParsePrivateKey([]byte(test.text))
		wantKeyError(t, name, err, test.want, givePrivate)
	}
}

func wantKeyError(t *testing.T, name string, err error, want, give string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), want) && !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), give) {
		t.Errorf("%s: %v; want %q and then %q", name, err, want, give)
	}
}

// offCurve changes the last byte of the point of a public key.
func offCurve(text string) string {
	b, _ := pem.Decode([]byte(text))
	b.Bytes[len(b.Bytes)-1] ^= 1
	return string(pem.EncodeToMemory(b))
}

// FuzzPublicKey compares keys on the NIST curves with those that package x509
// parses.
func FuzzPublicKey(f *testing.F) {
	for _, text := range keyFiles(f) {
		if b, _ := pem.Decode([]byte(text)); b != nil {
			f.Add(b.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		for _, kind := range []string{blockPublic, blockSEC1, blockPKCS8} {
			checkKey(t, kind, der)
		}
	})
}

func checkKey(t *testing.T, kind string, der []byte) {
	var got Key
	var err, wantErr error
	var want any
	switch text := block(kind, der); kind {
	case blockPublic:
		got, err = ParsePublicKey(text)
		want, wantErr = x509.ParsePKIXPublicKey(der)
	case blockSEC1:
		got, err = ParsePrivateKey(text)
		want, wantErr = x509.ParseECPrivateKey(der)
	default:
		got, err = ParsePrivateKey(text)
		want, wantErr = x509.ParsePKCS8PrivateKey(der)
	}
	if (err == nil) == (got == Key{}) {
		t.Fatalf("%s: %v, %v", kind, got, err)
	}
	switch k := want.(type) {
	case *ecdsa.PublicKey:
		if n, ok := got.ec.(nistPublic); wantErr == nil && (!ok || !n.key.Equal(k)) {
			t.Fatalf("%s: %v, %v; x509 reads it", kind, got, err)
		}
	case *ecdsa.PrivateKey:
		if n, ok := got.ec.(nistPrivate); wantErr == nil && (!ok || !n.secret.Equal(k)) {
			t.Fatalf("%s: %v, %v; x509 reads it", kind, got, err)
		}
	}
	if err == nil && wantErr != nil && got.ec.curve() != "secp256k1" {
		t.Fatalf("%s: %v; x509: %v", kind, got, wantErr)
	}
	signAndVerify(t, got)
}

func signAndVerify(t *testing.T, k Key) {
	if _, ok := k.ec.(ecSigner); !ok {
		return
	}
	text, err := Sign(k, vectorClaims("u"))
	if err != nil {
		t.Fatal(err)
	}
	r := vectorRequest("u")
	r.Keys = []Key{k}
	if _, err := Verify(text, r); err != nil {
		t.Fatalf("%v: %v", k, err)
	}
}

// FuzzSecp256k1 verifies signatures. Only those of the vectors are valid.
func FuzzSecp256k1(f *testing.F) {
	files := keyFiles(f)
	key, err := ParsePublicKey([]byte(files["secp256k1.public.pem"]))
	if err != nil {
		f.Fatal(err)
	}
	good := map[string]bool{}
	for sig := range strings.FieldsSeq(files["secp256k1.signatures.txt"]) {
		b, err := base64.StdEncoding.DecodeString(sig)
		if err != nil {
			f.Fatal(err)
		}
		good[string(b)] = true
		f.Add(b)
	}
	s, err := vectorClaims("administrator").sig(1)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sig []byte) {
		s := *s
		if s.mac = sig; key.signed(&s) != good[string(sig)] {
			t.Fatalf("%x: signed = %v", sig, key.signed(&s))
		}
	})
}

// TestDamagedSecp256k1Secrets parses private keys with valid DER and invalid
// content.
func TestDamagedSecp256k1Secrets(t *testing.T) {
	type sec1 struct {
		Version int
		Secret  []byte
		Curve   asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
	}
	order, one := bytes.Repeat([]byte{0xff}, 32), append(make([]byte, 31), 1)
	for name, test := range map[string]struct {
		key  sec1
		want string
	}{
		"good":           {sec1{1, one, oidSecp256k1}, ""},
		"version 0":      {sec1{0, one, oidSecp256k1}, "damaged"},
		"version 2":      {sec1{2, one, oidSecp256k1}, "damaged"},
		"zero":           {sec1{1, make([]byte, 32), oidSecp256k1}, "damaged"},
		"empty":          {sec1{1, nil, oidSecp256k1}, "damaged"},
		"over the order": {sec1{1, order, oidSecp256k1}, "damaged"},
		"33 bytes":       {sec1{1, append(slices.Clone(one), 0), oidSecp256k1}, "damaged"},
	} {
		der, err := asn1.Marshal(test.key)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: blockSEC1, Bytes: der}))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
