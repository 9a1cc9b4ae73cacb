package admin

import (
	"context"
	"errors"
	"testing"

	"rollcall/internal/account"
)

// TestVerifyHangs ends a call whose check does not return. The check stays under way until
// it does, and refuses others.
func TestVerifyHangs(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	s := New(Options{VerifyBackup: func(context.Context, string) (*account.Contents, error) {
		close(begun)
		<-release
		return nil, errors.New("damaged")
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	if _, fault, err := s.verified(ctx, "/b"); fault != nil || account.CodeOf(err) != account.Unavailable {
		t.Errorf("fault %v, error %v", fault, err)
	}
	_, _, err := s.verified(t.Context(), "/b")
	if p, ok := errors.AsType[*problemError](err); !ok || p.slug != conflict {
		t.Errorf("a second check: %v", err)
	}
	close(release)
	s.verify.Lock() // the first check has ended
	s.o.VerifyBackup = func(context.Context, string) (*account.Contents, error) { return nil, errors.New("damaged") }
	s.verify.Unlock()
	if _, fault, err := s.verified(t.Context(), "/b"); fault == nil || err != nil {
		t.Errorf("fault %v, error %v", fault, err)
	}
}
