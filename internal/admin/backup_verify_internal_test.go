package admin

import (
	"context"
	"testing"

	"rollcall/internal/account"
)

// TestVerifyAgain checks backups one after the other. None of the calls is refused because the
// one before has not quite ended.
func TestVerifyAgain(t *testing.T) {
	s := &Server{o: Options{VerifyBackup: func(context.Context, string) (*account.Contents, error) { return nil, nil }}}
	for range 10_000 {
		if _, _, err := s.verified(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
}
