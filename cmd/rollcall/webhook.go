package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"rollcall/client"
	"rollcall/webhook"
)

// webhookCmd works on webhooks.
type webhookCmd struct {
	Set        webhookSetCmd        `cmd:"" help:"Send the events of an app to a URL."`
	Show       webhookShowCmd       `cmd:"" help:"Show the webhook of an app."`
	Verify     webhookVerifyCmd     `cmd:"" help:"Send a test to the webhook of an app."`
	Deliveries webhookDeliveriesCmd `cmd:"" help:"List what waits, what was sent, and what could not be delivered."`
	Replay     webhookReplayCmd     `cmd:"" help:"Send events again that could not be delivered."`
	Unset      webhookUnsetCmd      `cmd:"" help:"Send no more events of an app."`
	Listen     webhookListenCmd     `cmd:"" help:"Receive webhooks and print them, until Ctrl-C."`
}

type webhookSetCmd struct {
	connection `group:"connection"`
	To         string   `arg:"" name:"url" given:"" help:"URL of the receiver, http or https; a query is kept."`
	Events     []string `placeholder:"EVENT" given:"" help:"Events to send, as State.StateChange (default: all)."`
	Mode       string   `enum:"faithful,reliable" default:"faithful" placeholder:"MODE" help:"faithful: one attempt, as the vendor's; reliable: kept until it is delivered, for a day (default: ${default})."`
	TokenFile  string   `placeholder:"FILE" given:"" help:"The token of the vendor's signature; - reads it from standard input (default: the one before)."`
	NoToken    bool     `help:"Sign with no token any more."`
	SecretFile string   `placeholder:"FILE" given:"" help:"The secret of Standard Webhooks, as whsec_…; - reads it from standard input (default: the one before, or a new one for reliable)."`
	NewSecret  bool     `help:"Let the server make a new secret and show it once."`
	clientCertificate
	ImportEvent bool   `help:"Send Profile.CallbackPortraitSet for imports that set a nick or a picture, too."`
	IOSSpelling string `name:"ios-spelling" enum:"iOS,IOS" default:"iOS" placeholder:"TEXT" help:"OptPlatform of an iPhone: iOS or IOS (default: ${default})."`
}

// Help is shown by rollcall webhook set --help.
func (webhookSetCmd) Help() string {
	return `What is not given returns to its default, except for the token, the secret and the
certificates, which stay. They are never arguments, since other users of the machine can
see those. The change is in effect at once; events that wait go to the new URL.

A receiver can require a client certificate (mTLS): --client-cert and --client-key give
it. --receiver-ca is for a receiver whose own certificate is of a private CA; --ca is
that of the Rollcall server.

The events are State.StateChange, Profile.CallbackPortraitSet and
Alert.RequestOverLimit. docs/webhooks.md describes both modes. The command needs an
admin token with the scope write.

Examples:
  rollcall webhook set https://example.com/hooks --token-file token.txt
  rollcall webhook set https://example.com/hooks --mode reliable
  rollcall webhook set https://example.com/hooks --client-cert client.pem --client-key client.key
  rollcall webhook set http://127.0.0.1:7590 --events State.StateChange`
}

func (c *webhookSetCmd) Run(ctx context.Context, env *environment) error {
	n, err := c.webhook(env)
	if err != nil {
		return err
	}
	api, app, err := c.adminApp(env)
	if err != nil {
		return err
	}
	c.target(env, app)
	w, err := api.SetWebhook(ctx, app, n)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(env.stdout, w)
	}
	return errors.Join(printThing(env.stdout, c.Output, nil, webhookProperties(w)), showSecret(env.stdout, "secret", w.NewSecret))
}

// webhook returns the webhook of the flags.
func (c *webhookSetCmd) webhook(env *environment) (n client.NewWebhook, err error) {
	switch {
	case c.NoToken && c.TokenFile != "":
		return n, &usageError{errors.New("--no-token removes the token of --token-file: leave out one of them")}
	case c.NewSecret && c.SecretFile != "":
		return n, &usageError{errors.New("--new-secret replaces the secret of --secret-file: leave out one of them")}
	case c.fromInput() > 1:
		return n, &usageError{errors.New("--token-file, --secret-file and the files of certificates are more than once -: standard input has only one of them")}
	}
	n = client.NewWebhook{URL: c.To, Events: c.Events, Mode: c.Mode, ImportEvent: c.ImportEvent, IOSSpelling: c.IOSSpelling}
	if n.Token, err = c.given(env, c.TokenFile, "--token-file", c.NoToken); err != nil {
		return n, err
	}
	if err := c.certificates(env, &n); err != nil {
		return n, err
	}
	if n.Secret, err = c.given(env, c.SecretFile, "--secret-file", c.NewSecret); err != nil || c.SecretFile == "" {
		return n, err
	}
	if err := webhook.CheckSecret(*n.Secret); err != nil {
		return n, fmt.Errorf("--secret-file %s: %w", c.SecretFile, err)
	}
	return n, nil
}

// fromInput returns the number of files that standard input is.
func (c *webhookSetCmd) fromInput() (n int) {
	for _, file := range []string{c.TokenFile, c.SecretFile, c.ClientCert, c.ClientKey, c.ReceiverCA} {
		if file == "-" {
			n++
		}
	}
	return n
}

// given returns the text of a file, an empty one, or nil to keep the one before.
func (c *webhookSetCmd) given(env *environment, file, flag string, empty bool) (*string, error) {
	if empty {
		return new(""), nil
	}
	if file == "" {
		return nil, nil
	}
	text, err := c.secret(env, file, flag, "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &usageError{fmt.Errorf("%s: %s does not exist; give the file that has it", flag, file)}
	}
	return &text, err
}

// yesNo returns the text of a property that is set or not.
func yesNo(set bool) string {
	if set {
		return "yes"
	}
	return "no"
}

func webhookProperties(w *client.Webhook) []property {
	cert, ca := certificateTexts(w)
	return []property{
		{"url", w.URL},
		{"events", strings.Join(w.Events, ", ")},
		{"mode", w.Mode},
		{"token", yesNo(w.Token)},
		{"secret", yesNo(w.Secret)},
		{"client_cert", cert},
		{"receiver_ca", ca},
		{"import_event", yesNo(w.ImportEvent)},
		{"ios_spelling", w.IOSSpelling},
		{"changed_at", moment(w.ChangedAt)},
		{"state", w.State},
		{"since", moment(w.Since)},
		{"reason", w.Reason},
	}
}

type webhookShowCmd struct {
	connection `group:"connection"`
}

// Help is shown by rollcall webhook show --help.
func (webhookShowCmd) Help() string {
	return `The token, the secret and the key of the client certificate are not shown. A state of
paused means that one attempt after the other failed: the server probes the receiver,
and goes on when it answers. A state of ended means that the receiver has answered HTTP
410; set the webhook again to go on.

Examples:
  rollcall webhook show
  rollcall webhook show --output json`
}

func (c *webhookShowCmd) Run(ctx context.Context, env *environment) error {
	api, app, err := c.adminApp(env)
	if err != nil {
		return err
	}
	w, err := api.Webhook(ctx, app)
	if err != nil {
		return err
	}
	return printThing(env.stdout, c.Output, w, webhookProperties(w))
}

type webhookVerifyCmd struct {
	connection `group:"connection"`
}

// Help is shown by rollcall webhook verify --help.
func (webhookVerifyCmd) Help() string {
	return `The server sends an Alert.RequestOverLimit of no calls, whose Command is webhook_verify,
with the signatures of the webhook. The command fails if the receiver does not answer
with a status of 2xx. It needs an admin token with the scope write.

Examples:
  rollcall webhook verify
  rollcall webhook verify --output json`
}

func (c *webhookVerifyCmd) Run(ctx context.Context, env *environment) error {
	api, app, err := c.adminApp(env)
	if err != nil {
		return err
	}
	c.target(env, app)
	v, err := api.VerifyWebhook(ctx, app)
	if err != nil {
		return err
	}
	status := ""
	if v.Status != 0 {
		status = strconv.Itoa(v.Status)
	}
	err = printThing(env.stdout, c.Output, v, []property{
		{"accepted", yesNo(v.OK)}, {"status", status}, {"took", fmt.Sprintf("%d ms", v.TookMS)}, {"reason", v.Reason}, {"answer", v.Answer},
	})
	if err == nil && !v.OK {
		return errors.New("the webhook was not accepted: " + v.Reason)
	}
	return err
}

type webhookDeliveriesCmd struct {
	connection `group:"connection"`
	Dead       bool `help:"List the events that could not be delivered instead of the newest attempts."`
}

// Help is shown by rollcall webhook deliveries --help.
func (webhookDeliveriesCmd) Help() string {
	return `The newest attempts are those of the server that is asked, since its start. With --dead
the list has the events of mode reliable that could not be delivered within a day: up to
about 1000, of which the oldest ones are dropped first.

Examples:
  rollcall webhook deliveries
  rollcall webhook deliveries --dead
  rollcall webhook deliveries --output json`
}

func (c *webhookDeliveriesCmd) Run(ctx context.Context, env *environment) error {
	api, app, err := c.adminApp(env)
	if err != nil {
		return err
	}
	d, err := api.WebhookDeliveries(ctx, app)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(env.stdout, d)
	}
	more := ""
	if d.More {
		more = "more than "
	}
	fmt.Fprintf(env.stderr, "%s, %s%d waiting, %d dead\n", d.State, more, d.Waiting, len(d.DeadLetters))
	if c.Dead {
		return printList(env.stdout, c.Output, each(d.DeadLetters), []column[client.DeadLetter]{
			{"ID", func(l client.DeadLetter) string { return l.ID }},
			{"COMMAND", func(l client.DeadLetter) string { return l.Command }},
			{"USERID", func(l client.DeadLetter) string { return l.UserID }},
			{"QUEUED", func(l client.DeadLetter) string { return moment(l.QueuedAt) }},
			{"REASON", func(l client.DeadLetter) string { return l.Reason }},
		})
	}
	return printList(env.stdout, c.Output, each(d.Attempts), []column[client.WebhookAttempt]{
		{"TIME", func(a client.WebhookAttempt) string { return moment(a.Time) }},
		{"COMMAND", func(a client.WebhookAttempt) string { return a.Command }},
		{"ATTEMPT", func(a client.WebhookAttempt) string { return strconv.Itoa(a.Attempt) }},
		{"STATUS", func(a client.WebhookAttempt) string { return strconv.Itoa(a.Status) }},
		{"MS", func(a client.WebhookAttempt) string { return strconv.FormatInt(a.TookMS, 10) }},
		{"REASON", func(a client.WebhookAttempt) string { return a.Reason }},
	})
}

type webhookReplayCmd struct {
	connection `group:"connection"`
	ID         []string `arg:"" optional:"" name:"id" given:"" help:"Id of an event, as webhook deliveries --dead shows it (default: all)."`
}

// Help is shown by rollcall webhook replay --help.
func (webhookReplayCmd) Help() string {
	return `The events wait for their delivery again, for a day. Each one has the id that it had
before. A replayed event comes after newer ones of its account. The command needs an
admin token with the scope write.

Examples:
  rollcall webhook replay
  rollcall webhook replay evt_1400000001_000000000000002a_0`
}

func (c *webhookReplayCmd) Run(ctx context.Context, env *environment) error {
	api, app, err := c.adminApp(env)
	if err != nil {
		return err
	}
	c.target(env, app)
	n, err := api.ReplayWebhooks(ctx, app, c.ID...)
	if err != nil {
		return err
	}
	return printThing(env.stdout, c.Output, map[string]int{"replayed": n}, []property{{"replayed", strconv.Itoa(n)}})
}

type webhookUnsetCmd struct {
	connection `group:"connection"`
	confirmation
}

// Help is shown by rollcall webhook unset --help.
func (webhookUnsetCmd) Help() string {
	return `Events that wait, and those that could not be delivered, are dropped. The command asks
first on a terminal, and needs --yes in a script. It needs an admin token with the scope
write.

Examples:
  rollcall webhook unset
  rollcall webhook unset --yes`
}

func (c *webhookUnsetCmd) Run(ctx context.Context, env *environment) error {
	api, app, err := c.adminApp(env)
	if err != nil {
		return err
	}
	c.target(env, app)
	if err := c.confirm(ctx, env, fmt.Sprintf("this removes the webhook of app %d and drops its events", app)); err != nil {
		return err
	}
	if err := api.UnsetWebhook(ctx, app); err != nil {
		return err
	}
	return printThing(env.stdout, c.Output, map[string]bool{"removed": true}, []property{{"removed", yesNo(true)}})
}
