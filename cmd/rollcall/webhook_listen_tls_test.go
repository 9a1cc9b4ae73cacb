package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/testutil"
)

// TestWebhookListenTLS receives by HTTPS from a sender with a certificate, and from none without.
func TestWebhookListenTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key, ca := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "ca")
	certPEM, keyPEM := testutil.Certificate(t)
	clientPEM, clientKey := testutil.Certificate(t)
	writeFile(t, cert, string(certPEM))
	writeFile(t, key, string(keyPEM))
	writeFile(t, ca, string(clientPEM))
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out strings.Builder // read when the command has ended
	address, end := startListen(t, ctx, &out, "--tls-cert", cert, "--tls-key", key, "--client-ca", ca)

	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(certPEM)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	if resp, err := client.Post(address+"/none", "application/json", strings.NewReader("{}")); err == nil {
		resp.Body.Close()
		t.Errorf("without a certificate: %s", resp.Status)
	}
	pair, err := tls.X509KeyPair(clientPEM, clientKey)
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{pair}
	resp, err := client.Post(address+"/p", "application/json", strings.NewReader(`{"CallbackCommand":"a.b"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	interrupt()
	if code, rest := end(); code != exitOK || resp.StatusCode != 200 || strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "a.b") ||
		strings.Count(rest, "\n") != 1 || !strings.Contains(rest, "client didn't provide a certificate") {
		t.Errorf("exit code %d, %s, %s, %q", code, rest, resp.Status, out.String())
	}
}
