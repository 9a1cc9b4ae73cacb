package webhooks

import (
	"net/http"
	"time"
)

// SetTransport lets s send requests through rt.
func (s *Service) SetTransport(rt http.RoundTripper) { s.clients.shared.Transport = rt }

// Quicken shortens the times of retries.
func (s *Service) Quicken(d time.Duration) {
	s.times.delays = []time.Duration{d}
	s.times.probe, s.times.maxProbe = d, d
	s.times.poll = d
	s.times.sweep = 10 * d
}

// SetLease sets the times of the lease.
func (s *Service) SetLease(renew, lease time.Duration) { s.times.renew, s.times.lease = renew, lease }

// PollSeldom makes a test of many hours short: this server knows its own events without a look.
func (s *Service) PollSeldom() { s.times.poll = 10 * time.Second }

// Limits that tests reach.
const (
	MaxQueuedApp = maxQueuedApp
	MaxDead      = maxDead
	MaxDeadSlack = maxDeadSlack
	MaxFailures  = maxFailures

	ReliableLanes = reliableLanes
)
