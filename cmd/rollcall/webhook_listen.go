package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"strings"

	"rollcall/internal/listening"
	"rollcall/webhook"
)

// webhookListenCmd receives webhooks of any sender.
type webhookListenCmd struct {
	Listen     string `default:"127.0.0.1:7590" placeholder:"HOST:PORT" given:"" help:"Address to receive at (default: ${default})."`
	TokenFile  string `placeholder:"FILE" given:"" help:"The token of the app, to check Sign; - reads it from standard input."`
	SecretFile string `placeholder:"FILE" given:"" help:"The secret of Standard Webhooks, as whsec_…, to check webhook-signature; - reads it from standard input."`
	SDKAppID   uint32 `name:"sdkappid" placeholder:"N" given:"" help:"Say so if a webhook is of another app."`
	Forward    string `placeholder:"URL" given:"" help:"Send every webhook on to this URL, and answer as it does."`
	Fail       int    `placeholder:"CODE" given:"a status from 300 to 599" help:"Answer with this status instead of OK, as 500."`
	listenTLS
	Output string `enum:"table,json" default:"table" help:"Form of the events: table or json (default: ${default})."`
}

// Help is shown by rollcall webhook listen --help.
func (webhookListenCmd) Help() string {
	return `Let the sender post to the address: it can be Rollcall, the vendor or a program of
yours. Every webhook becomes a line with the time at which it came, the app, the
command, the account and what happened. Lines below say whether the signatures are
right, and why not. With --output json every webhook is one line, with its body.

The answer is OK, also if a signature is wrong. With --forward it is that of the URL,
which gets the method, the body, the query and the headers that came, and 502 if there
is none within 30 seconds. Redirects are not followed.

With --tls-cert and --tls-key it receives by HTTPS. With --client-ca the sender must show
a certificate of one of these CAs.

The Go package webhook is for receivers of your own; docs/webhooks.md says more.

Examples:
  rollcall webhook listen
  rollcall webhook listen --token-file token.txt --forward http://127.0.0.1:8080/hooks
  rollcall webhook listen --fail 500 --output json`
}

// Widths of parts of a line about a webhook, in columns of a terminal.
const (
	maxAppWidth     = 10
	maxCommandWidth = 64
	maxFactWidth    = 160
)

// Run receives until it is interrupted.
func (c *webhookListenCmd) Run(ctx context.Context, env *environment) error {
	o, err := c.options(env)
	if err != nil {
		return err
	}
	secure, err := c.config()
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	scheme := "http"
	if secure != nil {
		l, scheme = tls.NewListener(l, secure), "https"
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	o.Print = func(w *listening.Webhook) {
		if err := c.print(env.stdout, w); err != nil {
			stop(&printError{err})
		}
	}
	h := listening.New(o)
	defer h.Close()
	fmt.Fprintf(env.stderr, "receiving at %s://%s; interrupt to end\n", scheme, l.Addr())
	err = serveUntil(ctx, l, h, log.New(env.stderr, "", 0)) // a sender that shows no certificate, for example
	if failed, ok := errors.AsType[*printError](context.Cause(ctx)); ok {
		return failed.error
	}
	return err
}

// A printError is an error of the output, which ends the command.
type printError struct{ error }

// options checks the flags and reads the files.
func (c *webhookListenCmd) options(env *environment) (o listening.Options, err error) {
	o = listening.Options{SDKAppID: c.SDKAppID, Status: c.Fail}
	switch {
	case c.Fail != 0 && (c.Fail < 300 || c.Fail > 599):
		return o, &usageError{fmt.Errorf("--fail is %d: give a status from 300 to 599", c.Fail)}
	case c.Fail != 0 && c.Forward != "":
		return o, &usageError{errors.New("--fail answers without --forward: leave out one of them")}
	case c.TokenFile == "-" && c.SecretFile == "-":
		return o, &usageError{errors.New("--token-file and --secret-file are both -: standard input has only one of them")}
	}
	if c.Forward != "" {
		if o.Forward, err = forwardURL(c.Forward); err != nil {
			return o, err
		}
	}
	if c.TokenFile != "" {
		if o.Token, err = new(connection).secret(env, c.TokenFile, "--token-file", ""); err != nil {
			return o, err
		}
	}
	if c.SecretFile == "" {
		return o, nil
	}
	if o.Secret, err = new(connection).secret(env, c.SecretFile, "--secret-file", ""); err != nil {
		return o, err
	}
	if err := webhook.CheckSecret(o.Secret); err != nil {
		return o, fmt.Errorf("--secret-file %s: %w", c.SecretFile, err)
	}
	return o, nil
}

// forwardURL reads --forward.
func forwardURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, &usageError{errors.New("the target (--forward) is no URL of a receiver: give one like http://127.0.0.1:8080/hooks, without a user and a fragment")}
	}
	return u, nil
}

func (c *webhookListenCmd) print(out io.Writer, w *listening.Webhook) error {
	text := webhookLines(w)
	if c.Output == "json" {
		var err error
		if text, err = encodeJSON(w, ""); err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, text)
	return err
}

// webhookLines returns a line about a webhook, and lines below it about signatures and
// problems.
func webhookLines(w *listening.Webhook) string {
	app := cutCell(cmp.Or(w.SDKAppID, "(no app)"), maxAppWidth)
	command := cutCell(cmp.Or(w.Command, "(no command)"), maxCommandWidth)
	facts := w.Facts()
	for i, fact := range facts {
		facts[i] = cutCell(fact, maxFactWidth)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %-17s  %s\n", moment(w.Time), app, command, strings.Join(facts, "  "))
	for _, note := range w.Notes() {
		fmt.Fprintf(&b, "    %s\n", clean(note))
	}
	return b.String()
}
