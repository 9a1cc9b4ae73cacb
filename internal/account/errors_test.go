package account_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"rollcall/internal/account"
)

func TestError(t *testing.T) {
	for want, e := range map[string]*account.Error{
		"internal":                          {},
		"no app":                            {Code: account.NoApp},
		"invalid id: it is empty":           {Code: account.InvalidID, Detail: "it is empty"},
		"unavailable: EOF":                  {Code: account.Unavailable, Err: io.EOF},
		"unavailable: it ran out: EOF":      {Code: account.Unavailable, Detail: "it ran out", Err: io.EOF},
		"internal: no app: the id is wrong": {Err: &account.Error{Code: account.NoApp, Detail: "the id is wrong"}},
	} {
		if got := e.Error(); got != want {
			t.Errorf("Error = %q, want %q", got, want)
		}
		if e.Err != nil && !errors.Is(e, e.Err) {
			t.Errorf("%v hides its cause from errors.Is", e)
		}
	}
}

func TestCodeOf(t *testing.T) {
	noApp := &account.Error{Code: account.NoApp}
	for _, tt := range []struct {
		err  error
		want account.Code
	}{
		{nil, account.OK},
		{io.EOF, account.Internal},
		{noApp, account.NoApp},
		{fmt.Errorf("look up: %w", noApp), account.NoApp},
		{fmt.Errorf("look up: %v", noApp), account.Internal},
		{errors.Join(io.EOF, noApp), account.NoApp},
		{&account.Error{Code: account.Unavailable, Err: noApp}, account.Unavailable}, // the outermost
		{&account.Error{}, account.Internal},
	} {
		if got := account.CodeOf(tt.err); got != tt.want {
			t.Errorf("CodeOf(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

// TestCodes checks that every code has a unique name.
func TestCodes(t *testing.T) {
	seen := map[string]account.Code{}
	for i, c := range account.Codes() {
		if int(c) != i {
			t.Errorf("code %d stands at %d", c, i)
		}
		if other, twice := seen[c.String()]; twice || c.String() == "" {
			t.Errorf("codes %d and %d are both named %q", other, c, c)
		}
		seen[c.String()] = c
	}
	if account.Codes()[0] != account.Internal {
		t.Error("the zero code is not Internal: an error without a code would leak details to clients")
	}
}

func TestEnded(t *testing.T) {
	if err := account.Ended(t.Context()); err != nil {
		t.Errorf("Ended of a context that has not ended = %v", err)
	}
	cause := errors.New("the server is shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	err := account.Ended(ctx)
	if account.CodeOf(err) != account.Unavailable || !errors.Is(err, cause) {
		t.Errorf("Ended = %v, want Unavailable because of %v", err, cause)
	}
	expired, cancelExpired := context.WithTimeout(t.Context(), 0)
	defer cancelExpired()
	if err := account.Ended(expired); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Ended after the deadline = %v", err)
	}
}
