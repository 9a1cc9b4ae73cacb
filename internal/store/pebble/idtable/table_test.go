package idtable

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

const app account.AppID = 1400000001

// TestTable adds entries while a reader looks them up, and then checks all entries. After
// Forget, the deleted IDs of the app have no entry.
func TestTable(t *testing.T) {
	const n = 100_000
	tab := New()
	name := func(i int) []byte {
		return record.AppendName(nil, app+account.AppID(i%3), account.UserID(fmt.Sprintf("%s%d", strings.Repeat("x", i%40), i)))
	}
	value := func(i int) Entry {
		e := Entry{InternalID: uint64(i) + 1, Pos: uint64(i) * 3, Kicked: int64(i % 5)}
		if i%7 == 0 {
			e = Entry{Gone: true, Deleted: int64(i), Kicked: e.Kicked}
		}
		return e
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i = (i + 1) % n {
			select {
			case <-stop:
				return
			default:
			}
			if e := tab.Lookup(name(i)); e != (Entry{}) && e != value(i) {
				t.Errorf("get(%d) = %+v while others are added", i, e)
				return
			}
		}
	})
	for i := range n {
		tab.Lock()
		tab.Put(tab.Add(tab.Hash(name(i)), name(i)), value(i))
		tab.Unlock()
	}
	close(stop)
	wg.Wait()
	for i := range n {
		r, e := tab.Find(tab.Hash(name(i)), name(i))
		if got := tab.shards[r>>32].name(r.place()); e != value(i) || string(got) != string(name(i)) {
			t.Fatalf("find(%d) = %+v under %q, want %+v", i, e, got, value(i))
		}
		if e := tab.Lookup(append(name(i), '!')); e != (Entry{}) {
			t.Fatalf("an unknown name has %+v", e)
		}
	}
	tab.Forget(app, 1<<60)
	for i := range 100 {
		want := value(i)
		if i%3 == 0 && !want.Live() {
			want = Entry{}
		}
		if e := tab.Lookup(name(i)); e != want {
			t.Errorf("after a purge, get(%d) = %+v, want %+v", i, e, want)
		}
	}
}

// TestTableNames stores the shortest and the longest name in an empty table.
func TestTableNames(t *testing.T) {
	for _, n := range []int{1, MaxName} {
		tab := New()
		name := []byte(strings.Repeat("x", n))
		if tab.Put(tab.Add(tab.Hash(name), name), Entry{InternalID: 7}); tab.Lookup(name).InternalID != 7 {
			t.Errorf("a name of %d bytes is not found", n)
		}
	}
}

// TestTableMemory limits the memory per account with an id of 16 bytes, without the slack
// of mappings.
func TestTableMemory(t *testing.T) {
	const n = 1_000_000
	tab := New()
	var b []byte
	for i := range n {
		b = record.AppendName(b[:0], app, account.UserID(fmt.Sprintf("%016d", i)))
		tab.Put(tab.Add(tab.Hash(b), b), Entry{InternalID: uint64(i) + 1})
	}
	bytes := 0
	for i := range tab.shards {
		s := &tab.shards[i]
		bytes += len(s.pages)*(pageBytes+8) + 4*len(s.slots)
	}
	if per := float64(bytes) / n; per > 42 {
		t.Errorf("%.1f bytes per account, want at most 42", per)
	}
}

// TestArena drops slots and checks that this does not affect the slots of another shard.
// They must not share a page, even if the system has pages of 64 KiB.
func TestArena(t *testing.T) {
	const largest = 64 << 10
	a := new(arena)
	defer a.free()
	for n := minSlots; n <= 4*minArray; n *= 2 {
		one, two := a.slots(0, n), a.slots(1, n)
		two[0] = 7
		if len(one) >= minArray && 4*len(one)%largest != 0 {
			t.Errorf("%d slots are not whole pages of %d bytes", n, largest)
		}
		if a.drop(one); two[0] != 7 {
			t.Errorf("with %d slots, those of another shard were lost", n)
		}
	}
}
