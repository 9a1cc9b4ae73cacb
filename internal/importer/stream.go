package importer

import (
	"context"
	"errors"

	"rollcall/client"
)

// A Stream is a target that takes one long request of the admin API.
type Stream struct {
	Client *client.AdminClient
}

func runStream(ctx context.Context, j *Job, l *ledger, chunks <-chan *chunk) error {
	return errors.New("not yet")
}
