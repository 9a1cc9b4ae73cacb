package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"rollcall/client"
)

// TestRemedyOfUntrustedCertificate expects the advice to give --ca for an untrusted
// certificate, but not for another failure of the network.
func TestRemedyOfUntrustedCertificate(t *testing.T) {
	untrusted := &client.TransportError{Op: "kick", Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}
	if got := explain(untrusted); !strings.Contains(got, "\nGive --ca with the certificate to trust") {
		t.Errorf("explained as %q", got)
	}
	if got := explain(&client.TransportError{Op: "kick", Err: errors.New("cut off")}); strings.Contains(got, "--ca") {
		t.Errorf("explained as %q", got)
	}
}
