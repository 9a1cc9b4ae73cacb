package pebble

import (
	"fmt"
	"testing"

	"rollcall/internal/account"
)

// loadedBatch returns the batch of a round of [camera.load]. An even round creates
// accounts, and the next one changes them.
func loadedBatch(round int) []account.Upsert {
	us := make([]account.Upsert, account.LoadBatch)
	for i := range us {
		us[i] = account.Upsert{ID: account.UserID(fmt.Sprintf("id-%d-%d", round/2, i)), Nick: fmt.Sprint("round ", round)}
	}
	return us
}

// load imports the largest batches, each with the record of its round.
func (c *camera) load(t *testing.T, s *Store, rounds int) {
	t.Helper()
	for round := range rounds {
		p := free
		p.Outbox = outboxOf(account.UserID(fmt.Sprintf("%04d", round)))
		if _, err := s.Upsert(t.Context(), app, loadedBatch(round), p); err != nil {
			t.Fatal(err)
		}
		c.acked.Add(1)
	}
}

// checkLoaded checks that a store contains the rows of each round whose record it contains,
// and no others. It returns the number of these rounds.
func checkLoaded(t *testing.T, s *Store, rounds int) (found int64) {
	t.Helper()
	each(t, s, kindOutbox, func(account.Record) { found++ })
	for round := 0; round < rounds; round += 2 {
		want := ""
		if newest := min(round+1, int(found)-1); newest >= round {
			want = fmt.Sprint("round ", newest)
		}
		ids := make([]account.UserID, account.LoadBatch)
		for i, u := range loadedBatch(round) {
			ids[i] = u.ID
		}
		as, err := s.Lookup(t.Context(), app, ids)
		must(t, err)
		for i, a := range as {
			if a.Nick != want || (a.InternalID != 0) != (want != "") {
				t.Errorf("after %d rounds, account %d of round %d is %+v, want the nick %q", found, i, round, a, want)
				break
			}
		}
	}
	return found
}

// TestShotsOfLargeBatches takes shots of a load in the largest batches, with flushes
// between and during them. The rows of a batch and its record must be there together or
// not at all.
func TestShotsOfLargeBatches(t *testing.T) {
	const rounds = 4
	o := Options{flushBytes: 512 << 10}
	c, disk := newCamera(newCrashDisk(), 6, 4)
	o.FS = disk
	s := open(t, o)
	c.load(t, s, rounds)
	must(t, s.flusher.guarded(nil))
	must(t, newIdler(s.flusher).compact(nil))
	must(t, s.Close())
	c.stop()
	for _, shot := range c.shots {
		s, err := Open(t.Context(), Options{Dir: "data", FS: shot.disk, Convert: convert})
		if err != nil {
			t.Errorf("%s: %v", shot.what, err)
			continue
		}
		if found := checkLoaded(t, s, rounds); found < shot.acked {
			t.Errorf("%s: %d rounds of %d", shot.what, found, shot.acked)
		}
		must(t, s.Close())
	}
	t.Logf("%d shots", len(c.shots))
	if len(c.shots) == 0 {
		t.Error("no shot was taken")
	}
}
