package pebble

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// TestTable compares the table with a map while it grows, with readers about.
func TestTable(t *testing.T) {
	const n = 100_000
	tab := newTable()
	name := func(i int) []byte {
		return record.AppendName(nil, app+account.AppID(i%3), account.UserID(fmt.Sprintf("%s%d", strings.Repeat("x", i%40), i)))
	}
	value := func(i int) entry {
		e := entry{internalID: uint64(i) + 1, pos: uint64(i) * 3, kicked: int64(i % 5)}
		if i%7 == 0 {
			e = entry{gone: true, deleted: int64(i), kicked: e.kicked}
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
			if e := tab.get(name(i)); e != (entry{}) && e != value(i) {
				t.Errorf("get(%d) = %+v while others are added", i, e)
				return
			}
		}
	})
	for i := range n {
		tab.mu.Lock()
		tab.put(tab.add(tab.hash(name(i)), name(i)), value(i))
		tab.mu.Unlock()
	}
	close(stop)
	wg.Wait()
	for i := range n {
		r, e := tab.find(tab.hash(name(i)), name(i))
		if got := tab.shards[r>>32].name(r.place()); e != value(i) || string(got) != string(name(i)) {
			t.Fatalf("find(%d) = %+v under %q, want %+v", i, e, got, value(i))
		}
		if e := tab.get(append(name(i), '!')); e != (entry{}) {
			t.Fatalf("an unknown name has %+v", e)
		}
	}
	tab.forget(app, 1<<60)
	for i := range 100 {
		want := value(i)
		if i%3 == 0 && !want.live() {
			want = entry{}
		}
		if e := tab.get(name(i)); e != want {
			t.Errorf("after forget, get(%d) = %+v, want %+v", i, e, want)
		}
	}
}

// TestTableNames stores the longest name first, where there is least room.
func TestTableNames(t *testing.T) {
	for _, n := range []int{1, maxName} {
		tab := newTable()
		name := []byte(strings.Repeat("x", n))
		if tab.put(tab.add(tab.hash(name), name), entry{internalID: 7}); tab.get(name).internalID != 7 {
			t.Errorf("a name of %d bytes is not found", n)
		}
	}
}

// TestTableMemory counts the bytes that the table's arrays take for accounts
// with ids of 16 bytes.
func TestTableMemory(t *testing.T) {
	const n = 1_000_000
	tab := newTable()
	var b []byte
	for i := range n {
		b = record.AppendName(b[:0], app, account.UserID(fmt.Sprintf("%016d", i)))
		tab.put(tab.add(tab.hash(b), b), entry{internalID: uint64(i) + 1})
	}
	bytes := 0
	for i := range tab.shards {
		s := &tab.shards[i]
		bytes += len(s.pages)*(pageBytes+8) + 4*len(s.slots)
	}
	if per := float64(bytes) / n; per > 42 {
		t.Errorf("%.1f bytes for each account", per)
	}
}
