package client

import (
	"context"
	"net/http"

	"rollcall/internal/adminapi"
)

// Types of webhooks.
type (
	// A Webhook is the URL to which the events of an app are sent, and how.
	Webhook = adminapi.Webhook

	// A NewWebhook replaces the webhook of an app.
	NewWebhook = adminapi.NewWebhook

	// A Certificate describes a certificate of a [Webhook].
	Certificate = adminapi.Certificate

	// WebhookVerification is the result of a test of a webhook.
	WebhookVerification = adminapi.WebhookVerification

	// WebhookDeliveries say what waits, what was sent, and what could not be delivered.
	WebhookDeliveries = adminapi.WebhookDeliveries

	// A WebhookAttempt is an attempt to deliver an event.
	WebhookAttempt = adminapi.WebhookAttempt

	// A DeadLetter is an event that was not delivered in time.
	DeadLetter = adminapi.DeadLetter
)

// States of a [Webhook].
const (
	WebhookActive = adminapi.WebhookActive
	WebhookPaused = adminapi.WebhookPaused
	WebhookEnded  = adminapi.WebhookEnded
)

func webhookPath(sdkAppID uint32) string { return appPath(sdkAppID) + "/webhook" }

// Webhook returns the webhook of an app. Without one the error is [SlugNotFound]. It needs
// the scope read.
func (c *AdminClient) Webhook(ctx context.Context, sdkAppID uint32) (*Webhook, error) {
	w := new(Webhook)
	return result(w, c.call(ctx, adminCall{method: http.MethodGet, path: webhookPath(sdkAppID), resp: w}))
}

// SetWebhook replaces the webhook of an app. If the server makes a secret, NewSecret of the
// result has it, this once. It needs the scope write.
func (c *AdminClient) SetWebhook(ctx context.Context, sdkAppID uint32, n NewWebhook) (*Webhook, error) {
	w := new(Webhook)
	return result(w, c.call(ctx, adminCall{method: http.MethodPut, path: webhookPath(sdkAppID), body: n, resp: w}))
}

// UnsetWebhook removes the webhook of an app. Events that wait are dropped. Without a webhook
// the error is [SlugNotFound]. It needs the scope write.
func (c *AdminClient) UnsetWebhook(ctx context.Context, sdkAppID uint32) error {
	return c.call(ctx, adminCall{method: http.MethodDelete, path: webhookPath(sdkAppID)})
}

// VerifyWebhook lets the server send a test to the webhook of an app. That the receiver does
// not accept it is no error. It needs the scope write.
func (c *AdminClient) VerifyWebhook(ctx context.Context, sdkAppID uint32) (*WebhookVerification, error) {
	v := new(WebhookVerification)
	return result(v, c.call(ctx, adminCall{method: http.MethodPost, path: webhookPath(sdkAppID) + "/verify", resp: v}))
}

// WebhookDeliveries says what waits, what was sent, and what could not be delivered. It needs
// the scope read.
func (c *AdminClient) WebhookDeliveries(ctx context.Context, sdkAppID uint32) (*WebhookDeliveries, error) {
	d := new(WebhookDeliveries)
	return result(d, c.call(ctx, adminCall{method: http.MethodGet, path: webhookPath(sdkAppID) + "/deliveries", resp: d}))
}

// ReplayWebhooks sends dead letters again, those with the given ids or, without any, all. It
// returns their number. If the app has no dead letter with one of the ids, the error is
// [SlugConflict], and nothing is sent. It needs the scope write.
func (c *AdminClient) ReplayWebhooks(ctx context.Context, sdkAppID uint32, ids ...string) (int, error) {
	var resp adminapi.WebhookReplayed
	err := c.call(ctx, adminCall{method: http.MethodPost, path: webhookPath(sdkAppID) + "/replay", body: adminapi.WebhookReplay{IDs: ids}, resp: &resp})
	return resp.Replayed, err
}
