package server

import (
	"cmp"
	"context"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/webhooks"
)

// newWebhooks returns the webhooks of the server, which hear of its events.
func (s *Server) newWebhooks() *webhooks.Service {
	node := cmp.Or(s.node, loneNode)
	if s.shared && s.node == "" { // without a data directory the name is that of this run
		node = newNode()
	}
	h := webhooks.New(webhooks.Options{
		Records: s.records, Directory: s.dir, Node: node, Shared: s.shared, Logger: s.o.Logger, Metrics: s.metrics, Sent: s.figures.Webhook,
		AllowNetworks: s.o.Networks(), Developer: s.o.Developer(),
	})
	for _, kind := range webhooks.Kinds() {
		s.dir.ListenIn(kind, func(app account.AppID) bool { return h.Hears(app, kind) }, h.Hear)
	}
	s.dir.Listen(account.EventAppDeleted, h.Forget)
	results, reasons := webhooks.Results()
	s.metrics.PrepareWebhooks([]string{string(records.WebhookFaithful), string(records.WebhookReliable)}, results, reasons)
	s.metrics.WatchWebhooks(
		func() int { return h.Stats().Queued }, func() int { return h.Stats().Kept }, func() int { return h.Stats().Paused },
		func() time.Duration { return h.Stats().Oldest },
	)
	return h
}

// keeps reports whether the events of a kind in an app belong into the outbox.
func (s *Server) keeps(app account.AppID, kind account.EventKind) bool {
	return s.webhooks != nil && s.webhooks.Keeps(app, kind) // there are no events before there are webhooks
}

// runWebhooks sends webhooks until ctx ends.
func (s *Server) runWebhooks(ctx context.Context, _ func(error)) error { return s.webhooks.Run(ctx) }
