package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollcall/internal/config"
	"rollcall/internal/loadgen"
)

// benchCmd loads a server and measures its rate and its latency.
type benchCmd struct {
	connection `group:"connection"`
	Target     string `arg:"" optional:"" name:"server" given:"" help:"URL of the server (default: that of --url or of the context)."`

	Workload    string        `default:"check-100" values:"import-100-new,check-100,check-1,portrait-get-100,list,import-100-unchanged,import-100-existing,import-1,login-1,device-1,device-250,status-500,delete-100" placeholder:"NAME" help:"Kind of call (default: ${default}, which changes nothing); see below."`
	Accounts    int64         `default:"0" placeholder:"N" help:"Number of accounts of this load that are imported already. Calls pick from these; imports continue after them."`
	Family      uint64        `default:"1" placeholder:"N" help:"Choose other ids: runs of one family share theirs (default: ${default})."`
	Connections int           `default:"64" placeholder:"N" help:"Calls under way at once (default: ${default})."`
	Calls       int64         `placeholder:"N" given:"a number from 1 up" help:"End after so many calls."`
	Duration    time.Duration `default:"10s" placeholder:"TIME" help:"End after so long (default: ${default})."`
	Rate        float64       `placeholder:"N" given:"a number above 0" help:"Calls per second, at most (default: as many as the server takes)."`
	YesReally   string        `placeholder:"HOST" help:"Load a server that is not on this machine: repeat its host name here."`
}

// Help is shown by rollcall bench --help.
func (benchCmd) Help() string {
	var help strings.Builder
	help.WriteString(`Nothing is sent beyond what is asked for, and the first answer that is no success
ends the run. Imports and deletions change the app: give it one of its own.

Workloads:
`)
	for _, w := range loadgen.Workloads() {
		fmt.Fprintf(&help, "  %-21s %s\n", w.Name, w.About)
	}
	return help.String() + `
Examples:
  rollcall bench --workload import-100-new --calls 1000        makes 100,000 accounts
  rollcall bench --workload check-100 --accounts 100000
  rollcall bench --workload import-1 --accounts 100000 --rate 50 --duration 1m
  rollcall bench https://rollcall.example.com --yes-really rollcall.example.com …`
}

// Run loads the server.
func (c *benchCmd) Run(ctx context.Context, env *environment) error {
	c.URL = cmp.Or(c.Target, c.URL)
	o, err := c.load(ctx, env)
	if err != nil {
		return err
	}
	if err := c.permit(); err != nil {
		return err
	}
	c.target(env, c.SDKAppID)
	res, err := loadgen.Run(ctx, o)
	if res == nil {
		return err
	}
	return errors.Join(err, c.report(env, res))
}

// load returns the options of the load.
func (c *benchCmd) load(ctx context.Context, env *environment) (o loadgen.Options, err error) {
	if err := c.server(); err != nil {
		return o, err
	}
	hc, err := c.httpClient()
	if err != nil {
		return o, err
	}
	o = loadgen.Options{
		URL: c.URL, TLS: hc.Transport.(*http.Transport).TLSClientConfig,
		Workload: c.Workload, Accounts: c.Accounts, Salt: c.Family, Version: uint64(time.Now().UnixNano()),
		Connections: c.Connections, Calls: c.Calls, Duration: c.Duration, Rate: c.Rate, Timeout: c.Timeout,
	}
	if w, ok := loadgen.Find(c.Workload); ok && w.NeedsToken() {
		if o.Credentials.SDKAppID, err = c.app(0); err != nil {
			return o, err
		}
		o.AdminToken, err = c.adminToken(env)
		return o, err
	}
	sign, err := c.signer(ctx, env)
	if err != nil {
		return o, err
	}
	sig, _, err := sign(ctx)
	o.Credentials = loadgen.Credentials{SDKAppID: c.SDKAppID, Admin: c.Admin, UserSig: sig}
	return o, err
}

// permit refuses a server on another machine unless --yes-really repeats its host name.
func (c *benchCmd) permit() error {
	u, err := url.Parse(c.URL)
	if err != nil {
		return err
	}
	host := u.Hostname()
	if config.Loopback(net.JoinHostPort(host, "0")) || c.YesReally == host && host != "" {
		return nil
	}
	return &usageError{fmt.Errorf("%s is not on this machine: if you may load it, add --yes-really %s", host, host)}
}

// A benchReport is the result of a run in JSON.
type benchReport struct {
	Workload     string  `json:"workload"`
	Seconds      float64 `json:"seconds"`
	Calls        int64   `json:"calls"`
	Accounts     int64   `json:"accounts"`
	Errors       int64   `json:"errors"`
	CallsPerS    float64 `json:"calls_per_s"`
	AccountsPerS float64 `json:"accounts_per_s"`
	P50          float64 `json:"p50_ms"`
	P99          float64 `json:"p99_ms"`
	P999         float64 `json:"p999_ms"`
	Max          float64 `json:"max_ms"`
	Gap          float64 `json:"longest_gap_ms"`
}

func (c *benchCmd) report(env *environment, res *loadgen.Result) error {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	r := benchReport{
		Workload: res.Workload, Seconds: res.Elapsed.Seconds(), Calls: res.Calls, Accounts: res.Accounts, Errors: res.Errors,
		CallsPerS: res.CallsPerSecond(), AccountsPerS: res.AccountsPerSecond(),
		P50: ms(res.Latency.Quantile(0.5)), P99: ms(res.Latency.Quantile(0.99)), P999: ms(res.Latency.Quantile(0.999)),
		Max: ms(res.Latency.Max()), Gap: ms(res.LongestGap),
	}
	return printThing(env.stdout, c.Output, r, []property{
		{"workload", r.Workload},
		{"calls", fmt.Sprintf("%d in %.2f s, %d failed", r.Calls, r.Seconds, r.Errors)},
		{"rate", fmt.Sprintf("%.0f calls/s, %.0f accounts/s", r.CallsPerS, r.AccountsPerS)},
		{"latency", fmt.Sprintf("p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, most %.2f ms", r.P50, r.P99, r.P999, r.Max)},
		{"longest gap", fmt.Sprintf("%.2f ms without an answer", r.Gap)},
	})
}
