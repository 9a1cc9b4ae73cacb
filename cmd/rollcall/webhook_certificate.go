package main

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/client"
)

// clientCertificate are the flags of webhook set for TLS.
type clientCertificate struct {
	ClientCert   string `placeholder:"FILE" given:"" help:"Certificate in PEM for a receiver that requires one, followed by intermediate ones (default: the one before)."`
	ClientKey    string `placeholder:"FILE" given:"" help:"Private key of --client-cert in PEM, without a passphrase; - reads it from standard input (default: the one before)."`
	NoClientCert bool   `help:"Show the receiver no certificate any more."`
	ReceiverCA   string `name:"receiver-ca" placeholder:"FILE" given:"" help:"Certificates in PEM of the CAs of the receiver, which are trusted instead of the system's (default: the ones before)."`
	NoReceiverCA bool   `name:"no-receiver-ca" help:"Trust the system's CAs again."`
}

// certificates adds the certificates of the flags to n.
func (c *webhookSetCmd) certificates(env *environment, n *client.NewWebhook) (err error) {
	switch {
	case c.NoClientCert && (c.ClientCert != "" || c.ClientKey != ""):
		return &usageError{errors.New("--no-client-cert removes --client-cert and --client-key: leave out one of them")}
	case c.NoReceiverCA && c.ReceiverCA != "":
		return &usageError{errors.New("--no-receiver-ca removes --receiver-ca: leave out one of them")}
	}
	if n.ClientCert, err = c.given(env, c.ClientCert, "--client-cert", c.NoClientCert); err != nil {
		return err
	}
	if n.ClientKey, err = c.given(env, c.ClientKey, "--client-key", c.NoClientCert); err != nil {
		return err
	}
	n.ReceiverCA, err = c.given(env, c.ReceiverCA, "--receiver-ca", c.NoReceiverCA)
	return err
}

// certificateText returns a certificate on one line.
func certificateText(c client.Certificate) string {
	return fmt.Sprintf("%s, until %s, SHA-256 %s", c.Subject, moment(c.NotAfter), c.SHA256)
}

// certificateTexts returns the client certificate of a webhook and the CAs of its receiver.
func certificateTexts(w *client.Webhook) (cert, ca string) {
	if w.ClientCert != nil {
		cert = certificateText(*w.ClientCert)
	}
	list := make([]string, len(w.ReceiverCA))
	for i, c := range w.ReceiverCA {
		list[i] = certificateText(c)
	}
	return cert, strings.Join(list, "; ")
}
