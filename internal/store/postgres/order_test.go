package postgres

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"rollcall/internal/account"
)

// TestOrderOfRecords changes one account through two handles at the same time, and checks that
// the newest record of the outbox is that of the change that was made last.
func TestOrderOfRecords(t *testing.T) {
	url := database(t)
	stores := []*Store{open(t, Options{URL: url}), open(t, Options{URL: url})}
	for _, s := range stores {
		defer s.Close()
	}
	openSpace(t, stores[0], account.Space{App: watchApp, Admins: []account.UserID{"a"}})
	for round := range 40 {
		kind := account.Kind(100 + round%2)
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() { setNick(t, stores[i%2], i/2%2 == 0, kind, fmt.Sprint(round, "-", i)) })
		}
		wg.Wait()
		as, err := stores[0].Lookup(t.Context(), watchApp, []account.UserID{"a"})
		if err != nil {
			t.Fatal(err)
		}
		page, err := stores[0].Records(t.Context(), account.RecordQuery{Kind: kind, Reverse: true, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if last := string(page.Records[0].Value); last != as[0].Nick {
			t.Fatalf("round %d: the nick is %s, and the newest record says %s", round, as[0].Nick, last)
		}
	}
}

// setNick sets the nick of the account by an import or an update, with a record.
func setNick(t *testing.T, s *Store, imported bool, kind account.Kind, nick string) {
	ws := []account.Write{{Kind: kind, Key: strconv.Itoa(int(watchApp)) + "/", Value: []byte(nick), Append: true}}
	var err error
	if imported {
		_, err = s.Upsert(t.Context(), watchApp, []account.Upsert{{ID: "a", Nick: nick}}, account.UpsertPolicy{
			Now: watchTime, Outbox: func([]account.UpsertResult) []account.Write { return ws },
		})
	} else {
		fields := []account.Field{{Tag: account.TagNick, Value: account.Value{Text: nick}}}
		_, err = s.Update(t.Context(), watchApp, []account.Patch{{ID: "a", Fields: fields}}, account.ChangePolicy{
			Now: watchTime, Outbox: func([]account.Code) []account.Write { return ws },
		})
	}
	if err != nil {
		t.Error(err)
	}
}
