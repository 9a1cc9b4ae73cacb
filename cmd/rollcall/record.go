package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"rollcall/internal/config"
	"rollcall/internal/recording"
)

// Limits of the address of rollcall record.
const (
	recordHeaderTimeout = 10 * time.Second
	recordReadTimeout   = time.Minute
	recordShutdown      = 10 * time.Second
)

// recordCmd records the calls of a program to a server.
type recordCmd struct {
	To     string `required:"" placeholder:"URL" given:"" help:"The server to forward to, as https://adminapisgp.im.qcloud.com."`
	Out    string `required:"" placeholder:"FILE" given:"" help:"The recording; the file must not exist."`
	Listen string `default:"127.0.0.1:7590" placeholder:"HOST:PORT" given:"" help:"Address to take calls at (default: ${default})."`
	CA     string `name:"ca" env:"ROLLCALL_CA" placeholder:"FILE" given:"" help:"Certificates in PEM to trust besides the system's."`
}

// Help is shown by rollcall record --help.
func (recordCmd) Help() string {
	return `Point the program at the address instead of the server. Every request is forwarded
unchanged, and each call under /v4/ becomes a line of the file. Interrupt the command
to end the recording.

User IDs, nicknames, URLs and other texts of users are replaced by pseudonyms of equal
length and kind; signatures, keys and headers are not recorded. Error texts and
SDKAppIDs are. docs/recording.md says more, and how to send a recording.

Examples:
  rollcall record --to https://adminapisgp.im.qcloud.com --out calls.ndjson
  rollcall record --to http://127.0.0.1:7580 --listen 127.0.0.1:0 --out calls.ndjson`
}

// Run records until it is interrupted.
func (c *recordCmd) Run(ctx context.Context, env *environment) (err error) {
	to, err := c.target()
	if err != nil {
		return err
	}
	transport, err := c.transport()
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	lg := slog.New(slog.NewTextHandler(env.stderr, nil))
	rec, err := recording.NewRecorder(recording.Options{To: to, File: c.Out, Transport: transport, By: version, Logger: lg})
	if err != nil {
		return errors.Join(fmt.Errorf("--out: %w", err), l.Close())
	}
	fmt.Fprintf(env.stdout, "recording http://%s to %s; interrupt to end\n", l.Addr(), clean(c.Out))
	err = serveUntil(ctx, l, rec, slog.NewLogLogger(lg.Handler(), slog.LevelDebug))
	if err = errors.Join(err, rec.Close()); err == nil {
		fmt.Fprintf(env.stdout, "calls recorded: %d\n", rec.Calls())
	}
	return err
}

// target returns the URL of --to, and refuses an address that other machines can reach:
// signatures pass it in the clear.
func (c *recordCmd) target() (*url.URL, error) {
	u, err := url.Parse(c.To)
	if err != nil || !isServerURL(c.To) {
		return nil, &usageError{errors.New("the address of the server (--to) is no URL: give one like https://adminapisgp.im.qcloud.com, with nothing after its path")}
	}
	if !config.Loopback(c.Listen) {
		return nil, &usageError{fmt.Errorf("--listen %s is not of this machine alone, and signatures pass it in the clear: give 127.0.0.1:PORT", c.Listen)}
	}
	return u, nil
}

// transport returns a transport that trusts --ca as well.
func (c *recordCmd) transport() (*http.Transport, error) {
	hc, err := (&connection{CA: c.CA}).httpClient()
	if err != nil {
		return nil, err
	}
	t := recording.NewTransport()
	if own := hc.Transport.(*http.Transport).TLSClientConfig; own != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: own.RootCAs, MinVersion: tls.VersionTLS12}
	}
	return t, nil
}

// serveUntil serves h at l until ctx ends, and then lets the calls under way end. It logs
// faults of connections.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler, faults *log.Logger) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: recordHeaderTimeout, ReadTimeout: recordReadTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: faults,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordShutdown)
	defer cancel()
	if err := srv.Shutdown(ending); err != nil {
		_ = srv.Close() // the calls that are still under way are cut off
	}
	<-failed
	return nil
}
