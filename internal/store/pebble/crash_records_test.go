package pebble

import (
	"context"
	"fmt"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// Kinds of records of the crash tests.
const (
	kindOutbox account.Kind = 50 + iota // the key is that of an import's first account
	kindWhole                           // parts of a commit, whose name begins the key
)

// tellOf returns an outbox with a record that has the name of an import's first account.
func tellOf(first account.UserID) func([]account.UpsertResult) []account.Write {
	return func([]account.UpsertResult) []account.Write {
		return []account.Write{{Kind: kindOutbox, Key: string(first), Value: []byte("told"), If: account.AnyVersion}}
	}
}

// wholeCommit returns a commit of several records, and an admin of the space of an app of
// its own, all of the name name.
func wholeCommit(worker int, name string) account.Commit {
	return account.Commit{
		Writes: []account.Write{
			{Kind: kindWhole, Key: name + "/a", Value: []byte(name)},
			{Kind: kindWhole, Key: name + "/b", Value: []byte(name)},
			{Kind: kindWhole, Key: name + "/", Value: []byte(name), Append: true},
		},
		Spaces: []account.Space{{App: spaceOfWorker(worker), Admins: []account.UserID{account.UserID(name)}, Now: now}},
	}
}

func spaceOfWorker(worker int) account.AppID { return app + 1 + account.AppID(worker) }

// commit does a commit of a worker.
func (l *ledger) commit(ctx context.Context, s *Store, worker int, name string) error {
	number, err := s.Commit(ctx, wholeCommit(worker, name))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits[name] = number
	return nil
}

// lostRecords returns which commits the store in s lacks of the ledger, which it holds in
// part, and which numbers it gives again.
func (l *ledger) lostRecords(t *testing.T, s *Store) (lost []string) {
	t.Helper()
	lost = partsOf(t, s)
	for name, number := range l.commits {
		r, err := s.Record(t.Context(), kindWhole, name+"/a")
		if err != nil || r.Version != number {
			lost = append(lost, fmt.Sprintf("the commit %s: version %d, %v; want %d", name, r.Version, err, number))
		}
	}
	for id := range l.live {
		if !told(id) {
			continue
		}
		if _, err := s.Record(t.Context(), kindOutbox, string(id)); err != nil {
			lost = append(lost, fmt.Sprintf("the outbox of %s: %v", id, err))
		}
	}
	number, err := s.Commit(t.Context(), account.Commit{})
	if err != nil {
		t.Fatal(err)
	}
	for name, given := range l.commits {
		if number <= given {
			lost = append(lost, fmt.Sprintf("the number %d follows %d of %s", number, given, name))
		}
	}
	return lost
}

// told reports whether an account is the first of an import of [ledger.load].
func told(id account.UserID) bool {
	var worker, round, i int
	n, err := fmt.Sscanf(string(id), "w%d-%d-%d", &worker, &round, &i)
	return n == 3 && err == nil && i == 0
}

// partsOf returns which commits of wholeCommit and which imports with tellOf the store in
// s holds in part.
func partsOf(t *testing.T, s *Store) (parts []string) {
	t.Helper()
	found := map[string]map[string]uint64{}
	each(t, s, kindWhole, func(r account.Record) {
		name := string(r.Value)
		if found[name] == nil {
			found[name] = map[string]uint64{}
		}
		found[name][r.Key] = r.Version
	})
	for name, versions := range found {
		n := versions[name+"/a"]
		if len(versions) != 3 || n == 0 || versions[name+"/b"] != n || versions[account.AppendedKey(name+"/", n)] != n {
			parts = append(parts, fmt.Sprintf("of the commit %s there is %v", name, versions))
		}
		if !s.anywhere(account.UserID(name)) {
			parts = append(parts, fmt.Sprintf("the commit %s has left no admin", name))
		}
	}
	each(t, s, kindOutbox, func(r account.Record) {
		if st, err := s.Status(t.Context(), app, []account.UserID{account.UserID(r.Key)}); err != nil || !st[0].Exists() {
			parts = append(parts, fmt.Sprintf("the outbox tells of %s, which is not there: %v", r.Key, err))
		}
	})
	return parts
}

// anywhere reports whether an id has an account in a space of a worker.
func (s *Store) anywhere(id account.UserID) bool {
	for worker := range 16 {
		if s.table.Lookup(record.AppendName(nil, spaceOfWorker(worker), id)).Live() {
			return true
		}
	}
	return false
}

// each calls fn with every record of a kind.
func each(t *testing.T, s *Store, kind account.Kind, fn func(account.Record)) {
	t.Helper()
	for q := (account.RecordQuery{Kind: kind, Limit: account.MaxListLimit}); ; {
		page, err := s.Records(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			fn(r)
		}
		if q.After = page.Next; q.After == "" {
			return
		}
	}
}
