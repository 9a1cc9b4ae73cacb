package postgres

import (
	"fmt"
	"slices"
	"testing"

	"rollcall/internal/account"
)

// TestOutboxOrder checks that the records of a group are written in one order, whatever the
// calls, and that each kind is counted once. Otherwise groups would wait for each other.
func TestOutboxOrder(t *testing.T) {
	s := openStill(t, database(t))
	openSpace(t, s, account.Space{App: watchApp})
	before := touches(t, s)
	var calls []*imported
	for i, keys := range [][]string{{"d", "b"}, {"c"}, {"b", "a"}} {
		c := &imported{app: watchApp, items: []account.Upsert{{ID: account.UserID(keys[0]), Nick: "n"}}, results: make([]account.UpsertResult, 1)}
		c.policy = account.UpsertPolicy{Now: watchTime, Outbox: func([]account.UpsertResult) (ws []account.Write) {
			for _, k := range keys {
				ws = append(ws, account.Write{Kind: account.Kind(9 - i%2), Key: k, Value: []byte{byte(i)}, If: account.AnyVersion})
			}
			return ws
		}}
		c.init(t.Context())
		c.outbox.number = uint64(i + 1)
		calls = append(calls, c)
	}
	g := newGroup(s, calls)
	queued := &tx{s: s}
	g.finish(queued)
	var order []string
	for _, q := range queued.batch.QueuedQueries {
		if q.SQL == setSQL {
			order = append(order, fmt.Sprintf("%d%s%d", q.Arguments[0], q.Arguments[1], q.Arguments[2]))
		}
	}
	if want := []string{"8c[1]", "9a[2]", "9b[0]", "9b[2]", "9d[0]"}; !slices.Equal(order, want) {
		t.Errorf("the writes are %v, want %v", order, want)
	}
	s.importGroup(s.main, calls)
	for _, c := range calls {
		if err := c.wait(false); err != nil {
			t.Fatal(err)
		}
	}
	after := touches(t, s)
	for kind := int16(8); kind <= 9; kind++ {
		if n := after[kind] - before[kind]; n != 1 {
			t.Errorf("kind %d is counted %d times", kind, n)
		}
	}
	if r, err := s.Record(t.Context(), 9, "b"); err != nil || r.Value[0] != 2 {
		t.Errorf("the last write of a record does not count: %v, %v", r, err)
	}
}

// touches returns the counters of changes by kind.
func touches(t *testing.T, s *Store) map[int16]int64 {
	t.Helper()
	p := &polled{counts: map[int16]int64{}}
	conn, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := p.read(t.Context(), conn.Conn()); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "commit"); err != nil {
		t.Fatal(err)
	}
	return p.counts
}

// TestLargeImport imports more accounts in one commit than a statement of Citus can have.
func TestLargeImport(t *testing.T) {
	s := open(t, Options{URL: database(t)})
	defer s.Close()
	openSpace(t, s, account.Space{App: watchApp})
	outbox := account.UpsertPolicy{Now: watchTime, Outbox: func([]account.UpsertResult) []account.Write { return nil }}
	limit := account.UpsertPolicy{Now: watchTime, Limit: 1 << 40}
	s.fresh.after = 0
	for k, p := range []account.UpsertPolicy{outbox, limit, limit} {
		items := make([]account.Upsert, 11_000)
		for i := range items {
			items[i].ID = account.UserID(fmt.Sprintf("u%d-%d", k, i))
		}
		rs, err := s.Upsert(t.Context(), watchApp, items, p)
		if err != nil || !rs[0].Created || !rs[len(rs)-1].Created {
			t.Fatal(k, err)
		}
	}
}
