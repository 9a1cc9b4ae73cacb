// Package loadgen sends calls of the account protocol to a server over HTTP/1.1
// and measures the response times. It is designed to share a machine with the
// server: requests are built once and only ids and values are written into
// them, responses are checked in the read buffer, and a call allocates nothing.
//
// Accounts are numbered from 0. A number and a salt give a UserID of 16
// hexadecimal digits that looks random. No engine can therefore benefit from an
// order of ids that real users do not have.
package loadgen

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// DefaultConnections is the default of [Options.Connections].
const DefaultConnections = 64

// DefaultTimeout is the default of [Options.Timeout].
const DefaultTimeout = 30 * time.Second

// MaxConnections is the maximum number of connections of a run.
const MaxConnections = 4096

// Options describe a load. URL, Workload, and Calls or Duration are required.
type Options struct {
	// URL is the server: http or https, a host and optionally a port.
	URL string

	// TLS is the configuration for https. If it is nil, the system's
	// certificates are trusted.
	TLS *tls.Config

	// Credentials are sent with the calls of the account protocol.
	Credentials Credentials

	// AdminToken is the token of the admin API for the workloads that call it: list,
	// device-1 and device-250.
	AdminToken string

	// Workload is the name of a [Workload].
	Workload string

	// Accounts is the number of accounts that exist; their numbers are below
	// it. Workloads on existing accounts use each of them in turn, scattered
	// over the order of creation. Workloads that create accounts begin at this
	// number.
	Accounts int64

	// Skip is the number of calls to skip at the start. A run that continues
	// another one skips the calls of that run.
	Skip int64

	// Salt distinguishes families of accounts. Runs with the same salt use the
	// same ids.
	Salt uint64

	// Version distinguishes the values that imports write to the same accounts.
	// New and unchanged accounts have the values of version 0.
	Version uint64

	// Connections is the number of concurrent calls, by default
	// [DefaultConnections], at most [MaxConnections].
	Connections int

	// Calls ends the run after that many calls. 0 means no limit.
	Calls int64

	// Duration ends the run after that time. 0 means no limit.
	Duration time.Duration

	// Rate is the maximum number of calls per second. 0 means as many as the
	// server can serve. With a rate, the latency of a call is measured from the
	// time at which it was due.
	Rate float64

	// Timeout is the maximum duration of a call, by default [DefaultTimeout].
	Timeout time.Duration

	// Verify checks the content of some responses: half of the ids of a check
	// must be found, and all accounts of other workloads.
	Verify bool
}

// check sets defaults and refuses invalid options.
func (o *Options) check() error {
	o.Connections = cmp.Or(o.Connections, DefaultConnections)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	w, ok := Find(o.Workload)
	switch {
	case !ok:
		return fmt.Errorf("there is no workload %q: choose one of %s", o.Workload, Names())
	case o.Calls <= 0 && o.Duration <= 0:
		return errors.New("the load has no end: give a number of calls or a duration")
	case o.Calls < 0 || o.Duration < 0 || o.Timeout < 0 || o.Rate < 0 || o.Accounts < 0 || o.Skip < 0:
		return errors.New("calls, duration, time-out, rate, accounts and skip must not be negative")
	case o.Connections < 0 || o.Connections > MaxConnections:
		return fmt.Errorf("%d connections: choose 1 to %d", o.Connections, MaxConnections)
	case w.source != fresh && w.Name != List && o.Accounts < int64(w.Batch):
		return fmt.Errorf("workload %s needs at least %d accounts of this load: import some with \"rollcall bench --workload import-100-new --calls 1000\", then give --accounts 100000", w.Name, w.Batch)
	case w.NeedsToken() && o.AdminToken == "":
		return fmt.Errorf("workload %s needs a token of the admin API", w.Name)
	}
	return nil
}

// A Result is what a run measured.
type Result struct {
	Workload string
	Calls    int64 // successful calls
	Accounts int64 // accounts in successful calls
	Errors   int64 // failed calls, including those without a response
	Elapsed  time.Duration
	Latency  *Histogram

	// LongestGap is the longest time between two successful responses, while
	// calls were pending.
	LongestGap time.Duration

	// Sent and Received are the numbers of bytes of HTTP.
	Sent, Received int64
}

// CallsPerSecond returns the rate of successful calls.
func (r *Result) CallsPerSecond() float64 { return perSecond(r.Calls, r.Elapsed) }

// AccountsPerSecond returns the rate of accounts in successful calls.
func (r *Result) AccountsPerSecond() float64 { return perSecond(r.Accounts, r.Elapsed) }

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// Run runs the load that o describes and returns the measurements. It ends at
// the first call that fails, whether without a response or with any response
// but success. The error then contains a sample of the response, and the result
// contains the measurements until then. If ctx ends, Run ends early without an
// error.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	r, err := newRun(ctx, &o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	return r.do()
}
