package mem_test

import (
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/mem"
)

const (
	app  account.AppID = 1400000001
	kind account.Kind  = 7
)

// TestHandle checks what a late handle sees of another handle's changes.
func TestHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := new(mem.Store)
		late := first.Handle(account.MaxStale)
		commit(t, first, account.Commit{Spaces: []account.Space{{App: app, Admins: []account.UserID{"a"}, Now: time.Now()}}})
		before := late.Changes(kind)
		number := commit(t, first, account.Commit{Writes: []account.Write{{Kind: kind, Key: "k", Value: []byte("v")}}})
		if r, err := late.Record(t.Context(), kind, "k"); err != nil || r.Version != number {
			t.Errorf("Record = %+v, %v; want version %d at once", r, err, number)
		}
		kick(t, first, 100)
		time.Sleep(account.MaxStale - 1)
		if n, kicked := late.Changes(kind), watermark(t, late); n != before || kicked != 0 {
			t.Errorf("shortly before the end of the lag: changes %d, watermark %d; want %d, 0", n, kicked, before)
		}
		time.Sleep(time.Nanosecond)
		if n, kicked := late.Changes(kind), watermark(t, late); n == before || kicked != 100 {
			t.Errorf("after the lag: changes %d, watermark %d; want others than %d, 0", n, kicked, before)
		}
		kick(t, first, 200)
		kick(t, late, 300)
		if kicked := watermark(t, late); kicked != 300 {
			t.Errorf("watermark %d after a kick of the handle itself, want 300", kicked)
		}
	})
}

func commit(t *testing.T, s *mem.Store, c account.Commit) uint64 {
	t.Helper()
	n, err := s.Commit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func kick(t *testing.T, s *mem.Store, at int64) {
	t.Helper()
	if _, err := s.Update(t.Context(), app, []account.Patch{{ID: "a", Kicked: at}}, account.ChangePolicy{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

func watermark(t *testing.T, s *mem.Store) int64 {
	t.Helper()
	kicked, err := s.Watermark(t.Context(), app, "a")
	if err != nil {
		t.Fatal(err)
	}
	return kicked
}
