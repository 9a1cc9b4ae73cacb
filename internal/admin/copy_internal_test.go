package admin

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
)

// TestAsk asks a disk that does not answer. The call ends after a while, and so many
// questions later no more are asked until one is answered.
func TestAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{questions: make(chan struct{}, maxQuestions)}
		answer := make(chan struct{})
		for range maxQuestions {
			start := time.Now()
			err := s.ask(diskPatience, func() error {
				<-answer
				return nil
			})
			if account.CodeOf(err) != account.Unavailable || time.Since(start) != diskPatience {
				t.Errorf("after %v: %v, want Code unavailable after %v", time.Since(start), err, diskPatience)
			}
		}
		asked := func() error { return io.EOF }
		if f, ok := errors.AsType[*fault](s.ask(diskPatience, asked)); !ok || f.slug != conflict {
			t.Errorf("one question more: %+v, want a conflict", f)
		}
		close(answer)
		synctest.Wait()
		if err := s.ask(diskPatience, asked); !errors.Is(err, io.EOF) {
			t.Errorf("a disk that answers: %v", err)
		}
	})
}
