// Package loadgen loads a server of the account protocol with calls over
// HTTP/1.1 and measures how it takes them. It is made to share a machine with
// the server: requests are built once and only ids and values are written into
// them, answers are judged where they lie, and nothing is allocated per call.
//
// Accounts are numbered from 0. A number and a salt give a UserID of 16
// hexadecimal digits that looks random, so that no engine gains from an order
// of ids that real users do not have.
package loadgen

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// DefaultConnections is how many calls are under way at once unless [Options]
// say otherwise.
const DefaultConnections = 64

// DefaultTimeout is how long a call may take unless [Options] say otherwise.
const DefaultTimeout = 30 * time.Second

// MaxConnections is the most connections of one run.
const MaxConnections = 4096

// Options say what load to make. URL, Workload, and Calls or Duration are
// required.
type Options struct {
	// URL is the server: http or https, a host and, if need be, a port.
	URL string

	// TLS is for https; nil trusts what the system does.
	TLS *tls.Config

	// Credentials go with the calls of the account protocol.
	Credentials Credentials

	// AdminToken opens the admin API to the workload list.
	AdminToken string

	// Workload is the name of a [Workload].
	Workload string

	// Accounts is how many accounts there are: the numbers below it. Workloads
	// that need existing accounts draw from them, each in turn, scattered over
	// the order in which they were made. Workloads that make accounts begin at
	// this number.
	Accounts int64

	// Skip leaves out the first calls: a run that continues another one skips
	// as many calls as that one made.
	Skip int64

	// Salt tells families of accounts apart; runs with the same one use the
	// same ids.
	Salt uint64

	// Version tells apart the values that imports give to the same accounts.
	// New accounts and unchanged ones get version 0.
	Version uint64

	// Connections is how many calls are under way at once, by default
	// [DefaultConnections], at most [MaxConnections].
	Connections int

	// Calls ends the run after so many calls, 0 for no such bound.
	Calls int64

	// Duration ends the run after so long, 0 for no such bound.
	Duration time.Duration

	// Rate is the most calls per second, 0 for as many as the server takes.
	// With a rate, latency counts from when a call was due.
	Rate float64

	// Timeout is how long one call may take, by default [DefaultTimeout].
	Timeout time.Duration

	// Verify looks into a part of the answers: whether half of the ids of a
	// check are found, and all of those of other workloads.
	Verify bool
}

// check completes o and refuses what makes no sense.
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
	case w.Name == List && o.AdminToken == "":
		return errors.New("workload list needs a token of the admin API")
	}
	return nil
}

// A Result is what a run measured.
type Result struct {
	Workload string
	Calls    int64 // answered with success
	Accounts int64 // in those calls
	Errors   int64 // answered otherwise, or not at all
	Elapsed  time.Duration
	Latency  *Histogram

	// LongestGap is the longest time without any successful answer, with calls
	// under way.
	LongestGap time.Duration

	// Sent and Received are bytes of HTTP.
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

// Run makes the load that o describes and returns what it measured. The first
// call that fails, or is answered with anything but success, ends the run: then
// the error holds a sample of the answer, and the result what was measured until
// then. The end of ctx ends the run early without an error.
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
