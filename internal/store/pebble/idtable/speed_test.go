package idtable

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// BenchmarkLookupAll looks up batches of 100 random ids in a table of four million. Half
// of the ids exist. It takes longer without [Table.Warm] or without large pages, which are
// only there for speed.
func BenchmarkLookupAll(b *testing.B) {
	const n = 4_000_000
	id := func(i int) account.UserID { return account.UserID(fmt.Sprintf("%016x", uint64(i)*0x9e3779b97f4a7c15)) }
	t := New()
	var name []byte
	for i := range n {
		name = record.AppendName(name[:0], app, id(i))
		t.Put(t.Add(t.Hash(name), name), Entry{InternalID: uint64(i) + 1})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	batches := make([][]account.UserID, 2000)
	for i := range batches {
		for range 100 {
			batches[i] = append(batches[i], id(rng.IntN(2*n)))
		}
	}
	found, i := 0, 0
	for b.Loop() {
		t.LookupAll(app, batches[i%len(batches)], func(_ int, e Entry) {
			if e.Live() {
				found++
			}
		})
		i++
	}
	if found < 40*i || found > 60*i {
		b.Errorf("%d of %d were found", found, 100*i)
	}
}
