package webhooks

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Options configure a Service. Records, Directory, Node and Logger are required.
type Options struct {
	Records   *records.Registry
	Directory Directory
	Node      string // of this server among those that share the store
	Shared    bool   // other servers may use the store at the same time
	Logger    *slog.Logger
	Metrics   Metrics // nil counts nothing

	// Sent is told of each attempt of an app, and whether a 2xx came. Optional.
	Sent func(app account.AppID, ok bool)

	// AllowNetworks are ranges of the own network that webhooks may reach. Developer allows
	// loopback and private addresses, for a server that only its own machine reaches.
	AllowNetworks []netip.Prefix
	Developer     bool

	Roots *x509.CertPool   // CAs of receivers; nil are those of the machine
	Now   func() time.Time // nil is time.Now
}

// A Directory knows the apps and reports their events. A directory.Directory does.
type Directory interface {
	// App returns an app, which is shared.
	App(context.Context, account.AppID) (*account.App, error)

	// Entry returns an entry of the audit trail.
	Entry(ctx context.Context, actor, action string, app account.AppID, detail string) account.AuditEntry
}

// Metrics count deliveries. They are safe for concurrent use.
type Metrics interface {
	// WebhookSent counts an attempt of a mode: delivered, failed or dead.
	WebhookSent(mode, result string, took time.Duration)

	// WebhookLost counts events that were lost: full, stopped or dropped.
	WebhookLost(why string, n int)
}

// Results of [Metrics.WebhookSent], and reasons of [Metrics.WebhookLost].
const (
	Delivered = "delivered" // a 2xx came
	Failed    = "failed"    // any other outcome
	Dead      = "dead"      // a failed attempt after which the event is given up

	LostFull    = "full"    // a queue of a faithful webhook was full
	LostStopped = "stopped" // the server stopped before a faithful webhook was sent
	LostDropped = "dropped" // there were too many dead letters
)

// Results returns the values of result and why.
func Results() (results, reasons []string) {
	return []string{Delivered, Failed, Dead}, []string{LostFull, LostStopped, LostDropped}
}

type noMetrics struct{}

func (noMetrics) WebhookSent(string, string, time.Duration) {}
func (noMetrics) WebhookLost(string, int)                   {}

// A Service sends webhooks. It is safe for concurrent use.
type Service struct {
	o       Options
	records *records.Registry
	dir     Directory
	lg      *slog.Logger
	metrics Metrics
	now     func() time.Time
	guard   *guard
	clients *clients

	queue    *queue   // of faithful webhooks
	recent   recents  // newest attempts
	alerts   alerts   //
	delivery delivery // of reliable webhooks
	times    times
}

// times are the times of reliable deliveries, which tests shorten.
type times struct {
	delays   []time.Duration // before the second attempt and the next ones; the last one repeats
	lifetime time.Duration   // of an event in the outbox
	probe    time.Duration   // before the first probe of a paused endpoint; it doubles
	maxProbe time.Duration
	poll     time.Duration // between two looks for events of other servers
	sweep    time.Duration // between two looks for events of apps that are not known to have some
	renew    time.Duration // of the lease
	lease    time.Duration // without a renewal after which another server takes over
}

// usual are the times of Standard Webhooks (protocol-sessions.md §8.4) and of a lease.
var usual = times{
	delays:   []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour},
	lifetime: 24 * time.Hour, probe: 5 * time.Second, maxProbe: 10 * time.Minute,
	poll: 100 * time.Millisecond, sweep: 30 * time.Second, renew: 5 * time.Second, lease: 20 * time.Second,
}

// New returns a Service. It sends nothing before [Service.Run], except for
// [Service.Verify].
func New(o Options) *Service {
	s := &Service{o: o, records: o.Records, dir: o.Directory, lg: o.Logger, metrics: o.Metrics, now: o.Now, times: usual}
	if s.metrics == nil {
		s.metrics = noMetrics{}
	}
	if s.o.Sent == nil {
		s.o.Sent = func(account.AppID, bool) {}
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.guard = &guard{allow: o.AllowNetworks, developer: o.Developer}
	s.clients = newClients(s.guard, o.Roots)
	s.queue = newQueue(s)
	s.alerts.seen = map[alertKey]*alert{}
	s.delivery.endpoints = map[account.AppID]*endpoint{}
	return s
}

// Kinds returns the kinds of events that s sends.
func Kinds() []account.EventKind { return kinds }

// Keeps reports whether the events of a kind in an app belong into the outbox. It is the
// Outbox of a directory. If no webhook can be read, it keeps events in doubt.
func (s *Service) Keeps(app account.AppID, kind account.EventKind) bool {
	if commandOf(kind, true) == "" {
		return false
	}
	w, err := s.known(app)
	if err != nil {
		return true
	}
	return w != nil && reliable(w) && sends(w, kind)
}

// Hears reports whether s sends the events of a kind in an app.
func (s *Service) Hears(app account.AppID, kind account.EventKind) bool {
	w, err := s.known(app)
	return err == nil && w != nil && sends(w, kind)
}

// reliable reports whether the events of w are kept in the outbox.
func reliable(w *records.Webhook) bool {
	return w.Mode == records.WebhookReliable && w.Ended.IsZero()
}

// lookup is the longest time that a change waits for the webhook of its app.
const lookup = time.Second

// known returns the webhook of an app, or nil if it has none. If the store does not respond,
// it returns what this server knew last.
func (s *Service) known(app account.AppID) (*records.Webhook, error) {
	if w, ok := s.records.CurrentWebhook(app); ok {
		return w, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookup)
	defer cancel()
	w, err := s.records.Webhook(ctx, app)
	switch account.CodeOf(err) {
	case account.OK:
		return w, nil
	case account.NoWebhook:
		return nil, nil
	}
	if w, known := s.records.KnownWebhook(app); known {
		return w, nil
	}
	return nil, err
}

// Hear is the sink of events. It returns at once.
func (s *Service) Hear(e account.Event) {
	w, err := s.known(e.App)
	if err != nil || w == nil || !sends(w, e.Kind) {
		return
	}
	if reliable(w) {
		s.delivery.notify(e.App)
		return
	}
	app, err := s.dir.App(context.Background(), e.App) // from memory
	if err != nil {
		return // it was deleted
	}
	for i := range items(&e) {
		if m := newMessage(w, app, &e, i); m != nil {
			s.queue.add(e.App, accountOf(&e, i), m)
		}
	}
}

// Forget removes what is kept in memory about an app that was deleted.
func (s *Service) Forget(e account.Event) {
	s.recent.drop(e.App)
	s.alerts.drop(e.App)
	s.clients.drop(e.App)
	s.delivery.notify(e.App)
}

// Run sends webhooks until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.queue.run(ctx) })
	wg.Go(func() { s.sendAlerts(ctx) })
	wg.Go(func() { s.deliver(ctx) })
	wg.Wait()
	s.clients.close()
	return nil
}

// Stats are the state of a Service on this server.
type Stats struct {
	Queued int           // events of faithful webhooks in memory
	Kept   int           // events of reliable webhooks in the outbox, as far as this server delivers them
	Oldest time.Duration // age of the oldest one of them; 0 without one
	Paused int           // endpoints that this server has paused
}

// Stats returns the state of s.
func (s *Service) Stats() Stats {
	st := s.delivery.stats(s.now())
	st.Queued = s.queue.len()
	return st
}
