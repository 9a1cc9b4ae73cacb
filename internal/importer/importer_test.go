package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"

	"rollcall/client"
)

// users yields n rows and then, if it is not nil, an error.
func users(n int, end error) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for i := range n {
			if !yield(NewRow(i+1, client.Account{UserID: fmt.Sprint("user", i+1)}), nil) {
				return
			}
		}
		if end != nil {
			yield(Row{}, end)
		}
	}
}

// odd rejects every id that ends in 1.
func odd(_ context.Context, accounts []client.Account) ([]client.Result, error) {
	results := make([]client.Result, len(accounts))
	for i, a := range accounts {
		results[i].UserID = a.UserID
		if strings.HasSuffix(a.UserID, "1") {
			results[i].Code, results[i].Info = client.CodeQuotaExceeded, "full"
		}
	}
	return results, nil
}

// Rejections come in the order of the lines, however the calls end.
func TestOrder(t *testing.T) {
	var inFlight, most atomic.Int32
	first := make(chan struct{})
	im := &Importer{InFlight: 4, Import: func(ctx context.Context, accounts []client.Account) ([]client.Result, error) {
		if n := inFlight.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer inFlight.Add(-1)
		if accounts[0].UserID == "user301" {
			close(first) // the first batch ends after the fourth has begun
		} else if accounts[0].UserID == "user1" {
			<-first
		}
		return odd(ctx, accounts)
	}}
	last := 0
	for r, err := range im.Rejections(t.Context(), users(1050, nil)) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Line <= last {
			t.Errorf("line %d after line %d", r.Line, last)
		}
		last = r.Line
	}
	if last != 1041 || im.Failed != 105 || im.Done != 945 {
		t.Errorf("last line %d, %d failed, %d done; want 1041, 105, 945", last, im.Failed, im.Done)
	}
	if most.Load() > 4 {
		t.Errorf("%d calls at once, want at most 4", most.Load())
	}
}

// A call that fails stops the import and tells where to begin again, with the
// code that makes the exit code; so does a file that breaks off.
func TestStops(t *testing.T) {
	refused := &client.Error{Command: "multiaccount_import", Code: client.CodeNotAdmin}
	failing := func(ctx context.Context, accounts []client.Account) ([]client.Result, error) {
		if accounts[0].UserID == "user201" {
			return nil, refused
		}
		return odd(ctx, accounts)
	}
	tests := []struct {
		name string
		call func(context.Context, []client.Account) ([]client.Result, error)
		rows iter.Seq2[Row, error]
		want string
		done int
	}{
		{"a call", failing, users(1000, nil), "begin again at line 201", 180},
		{"the file", odd, users(150, errors.New("disk on fire")), "disk on fire", 135},
		{"the file at once", odd, users(0, errors.New("disk on fire")), "disk on fire", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			im := &Importer{InFlight: 2, Import: tt.call}
			var failure error
			for _, err := range im.Rejections(t.Context(), tt.rows) {
				failure = err
			}
			if failure == nil || !strings.Contains(failure.Error(), tt.want) || im.Done != tt.done {
				t.Errorf("%v after %d, want %q after %d", failure, im.Done, tt.want, tt.done)
			}
		})
	}
}

// An interrupt ends the import with an error, never as a success.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	im := &Importer{InFlight: 2, Import: func(ctx context.Context, accounts []client.Account) ([]client.Result, error) {
		if accounts[0].UserID == "user301" {
			cancel()
		}
		return odd(ctx, accounts)
	}}
	var failure error
	for _, err := range im.Rejections(ctx, users(100_000, nil)) {
		if err != nil {
			failure = err
		}
	}
	if !errors.Is(failure, context.Canceled) {
		t.Errorf("error %v, want the interrupt", failure)
	}
}
