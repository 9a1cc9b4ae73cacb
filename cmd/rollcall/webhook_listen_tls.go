package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// listenTLS are the flags of webhook listen for HTTPS.
type listenTLS struct {
	TLSCert  string `name:"tls-cert" placeholder:"FILE" given:"" help:"Certificate in PEM, to receive by HTTPS."`
	TLSKey   string `name:"tls-key" placeholder:"FILE" given:"" help:"Private key of --tls-cert in PEM."`
	ClientCA string `name:"client-ca" placeholder:"FILE" given:"" help:"Certificates in PEM of CAs, one of which must have signed the certificate of the sender."`
}

// config returns the TLS configuration of the flags, nil without them.
func (c *listenTLS) config() (*tls.Config, error) {
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return nil, &usageError{errors.New("--tls-cert and --tls-key go together: give both or neither")}
	case c.TLSCert == "" && c.ClientCA != "":
		return nil, &usageError{errors.New("--client-ca needs HTTPS: add --tls-cert and --tls-key")}
	case c.TLSCert == "":
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s: %w; give a certificate and the key that belongs to it, both in PEM", c.TLSCert, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if c.ClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("--client-ca: %w", err)
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--client-ca %s contains no certificate in PEM", c.ClientCA)
	}
	return config, nil
}
