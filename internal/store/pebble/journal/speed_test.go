package journal

import (
	"fmt"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// thousands returns a journal of n thousand changes. Their ids are in no order.
func thousands(n int) (cs []Commit) {
	pos := uint64(1)
	for i := range n {
		c := Commit{Seq: uint64(i) + 1, Base: pos, Changes: 1000}
		for k := range 1000 {
			id := fmt.Sprintf("%016x", uint64(1000*i+k)*0x9e3779b97f4a7c15)
			c.Data, _ = Append(c.Data, &Change{Kind: Set, Name: record.AppendName(nil, app, account.UserID(id)), Value: make([]byte, 65)})
		}
		cs, pos = append(cs, c), c.End()
	}
	return cs
}

// BenchmarkNewest sorts 300,000 changes.
func BenchmarkNewest(b *testing.B) {
	cs := thousands(300)
	for b.Loop() {
		if items, _, err := Newest(cs); err != nil || len(items) != 300_000 {
			b.Fatal(len(items), err)
		}
	}
}

// BenchmarkEachChange reads 300,000 changes in the order of names. It takes longer without
// touch, which is only there for speed.
func BenchmarkEachChange(b *testing.B) {
	cs := thousands(300)
	items, _, err := Newest(cs)
	if err != nil {
		b.Fatal(err)
	}
	sum := 0
	for b.Loop() {
		_ = EachChange(cs, items, func(c Change) error { // the function returns no error
			sum += len(c.Name) + int(c.Value[len(c.Value)-1])
			return nil
		})
	}
	if sum == 0 {
		b.Error("no change was read")
	}
}
