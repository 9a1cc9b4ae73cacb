package records_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

// A weighing engine counts the bytes of the sets of accounts that are written.
type weighing struct {
	account.Engine
	written int
}

func (w *weighing) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	for _, write := range c.Writes {
		if strings.Contains(write.Key, "/u/") {
			w.written += len(write.Value)
		}
	}
	return w.Engine.Commit(ctx, c)
}

// TestFigureUserParts lets many accounts log in on a day, a few thousand a minute. They are
// in few records, and a flush writes few bytes beside what is new.
func TestFigureUserParts(t *testing.T) {
	w := &weighing{Engine: new(mem.Store)}
	v := newEnv(t, w)
	rnd := rand.New(rand.NewPCG(1, 2))
	all := roaring64.New()
	const date, flushes, each, accounts = "20241004", 400, 2000, 1_000_000
	for range flushes {
		ids := roaring64.New()
		for range each {
			ids.Add(rnd.Uint64N(accounts))
		}
		all.Or(ids)
		day := records.FigureDay{FigureSlot: *slot(minute0, 1), Date: date, LoggedIn: ids}
		err := v.r.AddFigures(t.Context(), "a", map[account.AppID]records.AppFigures{app: {Days: []records.FigureDay{day}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	set, err := v.r.FigureUsers(t.Context(), app, date)
	if err != nil || !set.Equals(all) {
		t.Fatalf("%d accounts, want %d; %v", set.GetCardinality(), all.GetCardinality(), err)
	}
	err = v.r.FigureDays(t.Context(), app, date, func(d records.StoredFigureDay) {
		v.equal("users", d.Users, int64(all.GetCardinality()))
	})
	v.code("FigureDays", err, account.OK)
	page, err := v.e.Records(t.Context(), account.RecordQuery{Kind: 13, Prefix: "1400000001/u/", Limit: account.MaxListLimit})
	if err != nil || len(page.Records) > 12 {
		t.Errorf("%d records, %v", len(page.Records), err)
	}
	if mean := w.written / flushes; mean > 40<<10 {
		t.Errorf("a flush writes %d bytes, and the whole set has %d", mean, all.GetSerializedSizeInBytes())
	} else {
		t.Logf("a flush writes %d bytes to %d records; the whole set has %d", mean, len(page.Records), all.GetSerializedSizeInBytes())
	}
}
