package webhooks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/testutil"
	"rollcall/internal/webhooks"
)

// An authority is a CA of a test.
type authority struct {
	*testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	cert, key := testutil.Certificate(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey), string(cert)}
}

// issue returns the certificate of a client, which is valid for two days until end, and its key.
func (a *authority) issue(name string, end time.Time) (cert, key string) {
	a.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: end.Add(-48 * time.Hour), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.cert, private.Public(), a.key)
	if err != nil {
		a.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.Fatal(err)
	}
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	testutil.Secret(a, key[30:80])
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key
}

// strict starts a receiver that requires a client certificate of a, and tells the name in it.
// It returns its URL and its own certificate, which is its CA.
func (a *authority) strict() (url, ca string) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	s.TLS.ClientCAs.AddCert(a.cert)
	s.StartTLS()
	a.Cleanup(s.Close)
	return s.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

func (b *bench) verifySet() adminapi.WebhookVerification {
	b.Helper()
	v, err := b.s.VerifyWebhook(b.Context(), app)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// TestClientCertificate sends to a receiver that requires a certificate: without one, with one
// of its CA, of another CA, and without one again. Each change is in effect at once.
func TestClientCertificate(t *testing.T) {
	b, ca := realBench(t, webhooks.Options{Developer: true}), newAuthority(t)
	url, receiverCA := ca.strict()
	cert, key := ca.issue("rollcall of the shop", time.Now().Add(time.Hour))
	otherCert, otherKey := newAuthority(t).issue("stranger", time.Now().Add(time.Hour))

	b.set(adminapi.NewWebhook{URL: url})
	if v := b.verifySet(); v.OK || !strings.Contains(v.Reason, "certificate of the receiver cannot be verified") {
		t.Errorf("without the CA of the receiver: %+v", v)
	}
	b.set(adminapi.NewWebhook{URL: url, ReceiverCA: &receiverCA})
	if v := b.verifySet(); v.OK || !strings.Contains(v.Reason, "if it requires a client certificate, set one with client_cert") {
		t.Errorf("without a client certificate: %+v", v)
	}
	if d := b.deliveries(); !strings.Contains(d.Attempts[0].Reason, "if it requires a client certificate") {
		t.Errorf("deliveries: %+v", d.Attempts)
	}
	b.set(adminapi.NewWebhook{URL: url, ClientCert: &otherCert, ClientKey: &otherKey})
	if v := b.verifySet(); v.OK || !strings.Contains(v.Reason, "check that it trusts the CA of the client certificate") {
		t.Errorf("with a certificate of another CA: %+v", v)
	}
	b.set(adminapi.NewWebhook{URL: url, ClientCert: &cert, ClientKey: &key})
	if v := b.verifySet(); !v.OK || v.Answer != "rollcall of the shop" {
		t.Errorf("with its certificate: %+v", v)
	}
	b.set(adminapi.NewWebhook{URL: url, ClientCert: new("")})
	if v := b.verifySet(); v.OK {
		t.Errorf("after its removal: %+v", v)
	}
}

// TestClientCertificateShown checks what is shown, stored and kept of certificates.
func TestClientCertificateShown(t *testing.T) {
	b, ca := newBench(t), newAuthority(t)
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	cert, key := ca.issue("shop", end)
	set := b.set(adminapi.NewWebhook{URL: "https://example.com", ClientCert: new("of the shop:\n" + cert), ClientKey: new("\n" + key), ReceiverCA: &ca.pem})
	if c := set.ClientCert; c == nil || c.Subject != "CN=shop" || !c.NotAfter.Equal(end) || len(c.SHA256) != 64 || len(set.ReceiverCA) != 1 {
		t.Errorf("%+v", set)
	}
	kept := b.set(adminapi.NewWebhook{URL: "https://example.com/other"})
	if kept.ClientCert == nil || *kept.ClientCert != *set.ClientCert || len(kept.ReceiverCA) != 1 {
		t.Errorf("after a change of the URL: %+v", kept)
	}
	stored, _, err := b.registry.StoredWebhook(t.Context(), app)
	if err != nil || stored.ClientCert != cert || stored.ClientKey != key {
		t.Errorf("stored: %v, %q", err, stored.ClientCert)
	}
	entries, err := b.dir.Audit(t.Context(), account.AuditQuery{App: app, Limit: 1})
	if err != nil || !strings.HasSuffix(entries[0].Detail, "client certificate "+set.ClientCert.SHA256) {
		t.Errorf("%+v, %v", entries, err)
	}
	none := b.set(adminapi.NewWebhook{URL: target, ClientCert: new(""), ReceiverCA: new("")})
	stored, _, err = b.registry.StoredWebhook(t.Context(), app)
	if none.ClientCert != nil || none.ReceiverCA != nil || err != nil || stored.ClientKey != "" {
		t.Errorf("after the removal: %+v, %v", none, err)
	}
}

// TestClientCertificateRefused checks the error of each wrong certificate, and that it repeats
// nothing of a key.
func TestClientCertificateRefused(t *testing.T) {
	b, ca := newBench(t), newAuthority(t)
	cert, key := ca.issue("shop", time.Now().Add(time.Hour))
	_, otherKey := ca.issue("shop", time.Now().Add(time.Hour))
	early, earlyKey := ca.issue("shop", time.Now().Add(72*time.Hour))
	old, oldKey := ca.issue("shop", time.Now().Add(-time.Hour))
	block := func(name string) string { return strings.ReplaceAll(key, "PRIVATE KEY", name) }
	for _, tt := range []struct {
		name, url     string
		cert, key, ca *string
		want          string
	}{
		{name: "another key", cert: &cert, key: &otherKey, want: "no pair: private key does not match public key"},
		{name: "no key", cert: &cert, want: "client_cert needs a client_key"},
		{name: "no certificate", key: &key, want: "client_key needs a client_cert"},
		{name: "expired", cert: &old, key: &oldKey, want: "the client certificate expired at "},
		{name: "http", url: target, cert: &cert, key: &key, want: "certificates need a URL that begins with https://"},
		{name: "a key among certificates", cert: new(cert + key), key: &key, want: `client_cert contains a PEM block of type "PRIVATE KEY"`},
		{name: "no PEM", cert: new("x"), key: &key, want: "client_cert contains no certificate in PEM"},
		{name: "a certificate that is cut off", cert: new(cert + cert[:len(cert)/2]), key: &key, want: "client_cert contains a damaged PEM block"},
		{name: "a damaged certificate", cert: new(strings.ReplaceAll(block("CERTIFICATE"), "\n\n", "\n")), key: &key, want: "a certificate in client_cert cannot be read"},
		{name: "a key that is cut off", cert: &cert, key: new(key[:len(key)/2]), want: "client_key contains a damaged PEM block"},
		{name: "not yet valid", cert: &early, key: &earlyKey, want: "the client certificate is valid from "},
		{name: "a certificate as the key", cert: &cert, key: &cert, want: "client_key contains no private key in PEM"},
		{name: "an encrypted key", cert: &cert, key: new(block("ENCRYPTED PRIVATE KEY")), want: "client_key is encrypted; remove the passphrase"},
		{name: "a long certificate", cert: new(strings.Repeat(cert, 100)), key: &key, want: "and may have 32768"},
		{name: "a long key", cert: &cert, key: new(strings.Repeat(key, 100)), want: "and may have 16384"},
		{name: "no CA", ca: new("x"), want: "receiver_ca contains no certificate in PEM"},
	} {
		n := adminapi.NewWebhook{URL: "https://example.com", ClientCert: tt.cert, ClientKey: tt.key, ReceiverCA: tt.ca}
		if tt.url != "" {
			n.URL = tt.url
		}
		_, err := b.s.SetWebhook(t.Context(), "test", app, n)
		if account.CodeOf(err) != account.BadParameter || !strings.Contains(account.DetailOf(err), tt.want) || strings.Contains(account.DetailOf(err), key[40:60]) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}
