package webhooks_test

import "context"

// contextOf returns a context for a server.
func contextOf(b *bench) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.WithoutCancel(b.Context()))
}
