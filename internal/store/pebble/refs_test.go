package pebble

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rollcall/internal/store/pebble/idtable"
)

// TestRefIndex compares the index with a map, over several rounds.
func TestRefIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := refIndex{round: rapid.SampledFrom([]uint32{0, 7, math.MaxUint32 - 1}).Draw(t, "round")}
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			x.reset()
			want := map[idtable.Ref]int{}
			n := rapid.SampledFrom([]int{1, 10, 3000}).Draw(t, "refs")
			step := rapid.Uint64Range(1, 1<<34).Draw(t, "step") // a ref has a shard and a place
			for i := range n {
				r := idtable.Ref(1 + step*uint64(i)%(256<<32))
				place, ok := x.find(r)
				if had, has := want[r]; ok != has || ok && place != had {
					t.Fatalf("find %x: %d, %v; want %d, %v", r, place, ok, had, has)
				}
				if !ok {
					x.add(r, i)
					want[r] = i
				}
			}
			for r, i := range want {
				if place, ok := x.find(r); !ok || place != i {
					t.Fatalf("find %x after %d adds: %d, %v; want %d", r, len(want), place, ok, i)
				}
			}
		}
	})
}

// TestRefIndexResets empties a large index, which must neither clear nor allocate its slots.
func TestRefIndexResets(t *testing.T) {
	var x refIndex
	x.reset()
	for i := range 1000 {
		x.add(idtable.Ref(i+1), i)
	}
	before := slices.Clone(x.slots)
	if n := testing.AllocsPerRun(10, x.reset); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !slices.Equal(x.slots, before) {
		t.Error("a reset has cleared the slots")
	}
	if _, ok := x.find(1); ok {
		t.Error("a record is still there after a reset")
	}
}
