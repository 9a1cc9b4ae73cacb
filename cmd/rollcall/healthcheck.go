package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// healthcheckCmd asks a server whether it is ready. Images have no other program for that.
type healthcheckCmd struct {
	URL     string        `name:"url" default:"http://127.0.0.1:7581" placeholder:"URL" help:"Address of the admin API or of the account API (default: ${default})."`
	Timeout time.Duration `default:"3s" placeholder:"DURATION" given:"a duration from 1ms up, as 3s" help:"Time for the answer (default: ${default})."`
}

// Help is shown by rollcall healthcheck --help.
func (healthcheckCmd) Help() string {
	return `It calls /readyz. The exit code is 0 if the server is ready, and 1 otherwise. The
health check of the container image is this command.

Examples:
  rollcall healthcheck
  rollcall healthcheck --url http://127.0.0.1:7580`
}

// Run asks once.
func (c *healthcheckCmd) Run(ctx context.Context, env *environment) error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &usageError{fmt.Errorf("--url %s is no address; write it as http://127.0.0.1:7581", clean(c.URL))}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("readyz").String(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s does not answer: %w: start the server, or name its address with --url", clean(c.URL), e.Err)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if err != nil {
		return err
	}
	text := clean(strings.TrimSpace(string(body)))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: status %d: %s", clean(c.URL), resp.StatusCode, text)
	}
	_, err = fmt.Fprintln(env.stdout, text)
	return err
}
