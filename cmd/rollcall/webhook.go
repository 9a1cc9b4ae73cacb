package main

// webhookCmd works on webhooks.
type webhookCmd struct {
	Listen webhookListenCmd `cmd:"" help:"Receive webhooks and print them, until Ctrl-C."`
}
