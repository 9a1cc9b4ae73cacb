package mem_test

import (
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
	"rollcall/internal/store/mem"
)

func open(testing.TB) account.Engine { return new(mem.Store) }

func TestEngine(t *testing.T) { storetest.Run(t, open) }

func TestProperty(t *testing.T) { storetest.Property(t, open) }

// TestShared runs the suite for handles without delay, and with the longest delay that
// the contract allows.
func TestShared(t *testing.T) {
	for _, lag := range []time.Duration{0, account.MaxStale} {
		t.Run(lag.String(), func(t *testing.T) {
			storetest.RunShared(t, storetest.Shared{Bubble: true, Open: func(testing.TB) (one, other account.Engine) {
				s := new(mem.Store)
				return s.Handle(lag), s.Handle(lag)
			}})
		})
	}
}

func BenchmarkEngine(b *testing.B) { storetest.Benchmark(b, open) }
