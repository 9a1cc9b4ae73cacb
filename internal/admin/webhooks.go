package admin

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

func (s *Server) readWebhook(ctx context.Context, c *call) (adminapi.Webhook, error) {
	return ofApp(ctx, c, s.o.Webhooks.Webhook)
}

func (s *Server) setWebhook(ctx context.Context, c *call, req adminapi.NewWebhook) (adminapi.Webhook, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.Webhook{}, err
	}
	return s.o.Webhooks.SetWebhook(ctx, c.actor(), id, req)
}

func (s *Server) unsetWebhook(ctx context.Context, c *call) error {
	id, err := c.app()
	if err != nil {
		return err
	}
	return s.o.Webhooks.UnsetWebhook(ctx, c.actor(), id)
}

func (s *Server) verifyWebhook(ctx context.Context, c *call) (adminapi.WebhookVerification, error) {
	return ofApp(ctx, c, s.o.Webhooks.VerifyWebhook)
}

func (s *Server) listDeliveries(ctx context.Context, c *call) (adminapi.WebhookDeliveries, error) {
	return ofApp(ctx, c, s.o.Webhooks.WebhookDeliveries)
}

func (s *Server) replayWebhooks(ctx context.Context, c *call, req adminapi.WebhookReplay) (adminapi.WebhookReplayed, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.WebhookReplayed{}, err
	}
	n, err := s.o.Webhooks.ReplayWebhooks(ctx, c.actor(), id, req.IDs)
	return adminapi.WebhookReplayed{Replayed: n}, err
}

// ofApp calls fn with the app in the path.
func ofApp[T any](ctx context.Context, c *call, fn func(context.Context, account.AppID) (T, error)) (T, error) {
	id, err := c.app()
	if err != nil {
		var none T
		return none, err
	}
	return fn(ctx, id)
}
