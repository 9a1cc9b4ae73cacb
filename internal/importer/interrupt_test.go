package importer

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"rollcall/client"
	"rollcall/internal/source"
)

// TestInterrupt ends an import whose input is a pipe that stays open.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close() // ends the read that nobody waits for
		ctx, cancel := context.WithCancelCause(t.Context())
		im := &Importer{InFlight: 4, Import: odd}
		var last error
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for _, err := range im.Rejections(ctx, Rows(source.Read([]string{source.Stdin}, r, source.Options{Format: source.IDs}))) {
				last = err
			}
		}()
		input := strings.Repeat("bob\n", client.MaxBatch) + strings.Repeat("\n", source.MaxRecord) // the source looks that far ahead
		if _, err := io.WriteString(w, input); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		interrupt := errors.New("interrupt signal received")
		cancel(interrupt)
		<-ended
		if !errors.Is(last, interrupt) || !strings.Contains(last.Error(), "stopped after line 100 of standard input") {
			t.Errorf("the import ended with %v", last)
		}
		if im.Done != client.MaxBatch {
			t.Errorf("%d done, want %d", im.Done, client.MaxBatch)
		}
	})
}
