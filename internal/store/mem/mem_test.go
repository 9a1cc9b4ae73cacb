package mem_test

import (
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
	"rollcall/internal/store/mem"
)

func open(testing.TB) account.Engine { return new(mem.Store) }

func TestEngine(t *testing.T) { storetest.Run(t, open) }

func TestProperty(t *testing.T) { storetest.Property(t, open) }

func BenchmarkEngine(b *testing.B) { storetest.Benchmark(b, open) }
