package webhooks

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/records"
)

// Limits of the certificates of a webhook, in bytes of PEM. The chain of a client has about
// three certificates of 2 kB.
const (
	maxClientCert = 32 << 10
	maxClientKey  = 16 << 10
	maxReceiverCA = 64 << 10
)

// setCertificates takes the certificates of n into w, or those of old that n does not replace.
func setCertificates(w, old *records.Webhook, n *adminapi.NewWebhook) error {
	w.ClientCert, w.ClientKey, w.ReceiverCA = old.ClientCert, old.ClientKey, old.ReceiverCA
	var err error
	if n.ClientCert != nil {
		if w.ClientCert, err = certificates("client_cert", *n.ClientCert, maxClientCert); err != nil {
			return err
		}
		if w.ClientCert == "" {
			w.ClientKey = "" // which is of no use alone
		}
	}
	if n.ClientKey != nil {
		if w.ClientKey, err = privateKey(*n.ClientKey); err != nil {
			return err
		}
	}
	if n.ReceiverCA != nil {
		w.ReceiverCA, err = certificates("receiver_ca", *n.ReceiverCA, maxReceiverCA)
	}
	return err
}

// certificates returns the certificates of a PEM text without anything between them. field is
// the name of the text in errors. A private key is refused, because certificates are not
// sealed in the store.
func certificates(field, text string, limit int) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	if len(text) > limit {
		return "", bad("%s has %d bytes, and may have %d", field, len(text), limit)
	}
	var clean strings.Builder
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return "", bad("%s contains a PEM block of type %s; it takes certificates alone", field, account.Quote(block.Type))
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return "", bad("a certificate in %s cannot be read: %v", field, err)
		}
		_ = pem.Encode(&clean, &pem.Block{Type: block.Type, Bytes: block.Bytes}) // a Builder takes everything
	}
	if strings.Count(text, "-----BEGIN ") != strings.Count(clean.String(), "-----BEGIN ") {
		return "", bad("%s contains a damaged PEM block; copy the file again, with all its lines", field)
	}
	if clean.Len() == 0 {
		return "", bad("%s contains no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----", field)
	}
	return clean.String(), nil
}

// privateKey returns the private key in a PEM text without anything around it. Its errors
// contain nothing of the text.
func privateKey(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	if len(text) > maxClientKey {
		return "", bad("client_key has %d bytes, and may have %d", len(text), maxClientKey)
	}
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
			return "", bad(`client_key is encrypted; remove the passphrase with "openssl pkey -in FILE -out NEWFILE"`)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})), nil
		}
	}
	if strings.Contains(text, "PRIVATE KEY-----") {
		return "", bad("client_key contains a damaged PEM block; copy the file again, with all its lines")
	}
	return "", bad("client_key contains no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----")
}

// checkCertificates refuses certificates that no request to w could use. given reports whether
// the certificate of the client is a new one; an old one may expire.
func checkCertificates(w *records.Webhook, given bool, now time.Time) error {
	if w.ClientCert == "" && w.ClientKey == "" && w.ReceiverCA == "" {
		return nil
	}
	if u, err := url.Parse(w.URL); err == nil && u.Scheme == "http" {
		return bad(`certificates need a URL that begins with https://; give one, or remove the certificates with --no-client-cert and --no-receiver-ca, or empty texts in the admin API`)
	}
	switch {
	case w.ClientCert == "" && w.ClientKey != "":
		return bad("client_key needs a client_cert; give both")
	case w.ClientCert != "" && w.ClientKey == "":
		return bad("client_cert needs a client_key; give both")
	case w.ClientCert == "":
		return nil
	}
	pair, err := tls.X509KeyPair([]byte(w.ClientCert), []byte(w.ClientKey))
	if err != nil {
		return bad("client_cert and client_key are no pair: %s; give the key for which the first certificate was made", strings.TrimPrefix(err.Error(), "tls: "))
	}
	if end := pair.Leaf.NotAfter; given && now.After(end) {
		return bad("the client certificate expired at %s; give a valid one", end.UTC().Format(time.RFC3339))
	}
	if begin := pair.Leaf.NotBefore; given && now.Before(begin) {
		return bad("the client certificate is valid from %s on; give one that is valid now, or correct the clock of the server", begin.UTC().Format(time.RFC3339))
	}
	return nil
}

// describe returns the certificates of a PEM text for people.
func describe(text string) (list []adminapi.Certificate) {
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue // it was read when it was stored
		}
		sum := sha256.Sum256(c.Raw)
		list = append(list, adminapi.Certificate{
			Subject: c.Subject.String(), Issuer: c.Issuer.String(), NotAfter: c.NotAfter.UTC(), SHA256: hex.EncodeToString(sum[:]),
		})
	}
	return list
}

// clientCert returns the certificate that w shows to its receiver, nil for none.
func clientCert(w *records.Webhook) *adminapi.Certificate {
	if list := describe(w.ClientCert); len(list) > 0 {
		return &list[0]
	}
	return nil
}

// tlsConfig returns the TLS configuration of the requests of w. roots are the CAs of receivers
// of which w knows none.
func tlsConfig(w *records.Webhook, roots *x509.CertPool) (*tls.Config, error) {
	config := &tls.Config{RootCAs: roots}
	if w.ReceiverCA != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(w.ReceiverCA))
	}
	if w.ClientCert == "" {
		return config, nil
	}
	pair, err := tls.X509KeyPair([]byte(w.ClientCert), []byte(w.ClientKey))
	if err != nil {
		return nil, fmt.Errorf("the client certificate cannot be used: %w", err)
	}
	// Without this function a client shows no certificate if the receiver names other CAs, and
	// the receiver could not say what is wrong with it.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config, nil
}

// certificateAdvice says what to do about a receiver that ends the TLS connection of w.
func certificateAdvice(w *records.Webhook, now time.Time) string {
	c := clientCert(w)
	switch {
	case c == nil:
		return "if it requires a client certificate, set one with client_cert"
	case now.After(c.NotAfter):
		return "the client certificate expired at " + c.NotAfter.Format(time.RFC3339) + ", set another one"
	}
	return "check that it trusts the CA of the client certificate, " + c.Issuer
}
