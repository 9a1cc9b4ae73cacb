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
	kindOutbox account.Kind = 50 + iota // the key is the id of the first account of an import
	kindWhole                           // records of a wholeCommit; the key begins with its name
)

// outboxOf returns an Outbox that writes one record. The key of the record is the id of the
// first account of the import.
func outboxOf(first account.UserID) func([]account.UpsertResult) []account.Write {
	return func([]account.UpsertResult) []account.Write {
		return []account.Write{{Kind: kindOutbox, Key: string(first), Value: []byte("told"), If: account.AnyVersion}}
	}
}

// wholeCommit returns a commit of several records and of an admin in the space of a worker.
// name is the id of the admin, the value of the records, and the start of their keys.
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

// commit applies a wholeCommit of a worker and stores its number in the ledger.
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

// lostRecords returns the commits of the ledger that are missing in s, the partial commits,
// and the numbers that s uses again.
func (l *ledger) lostRecords(t *testing.T, s *Store) (lost []string) {
	t.Helper()
	lost = partialCommits(t, s)
	for name, number := range l.commits {
		r, err := s.Record(t.Context(), kindWhole, name+"/a")
		if err != nil || r.Version != number {
			lost = append(lost, fmt.Sprintf("the commit %s: version %d, %v; want %d", name, r.Version, err, number))
		}
	}
	for id := range l.live {
		if !isFirst(id) {
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

// isFirst reports whether an account is the first one of an import of [ledger.load].
func isFirst(id account.UserID) bool {
	var worker, round, i int
	n, err := fmt.Sscanf(string(id), "w%d-%d-%d", &worker, &round, &i)
	return n == 3 && err == nil && i == 0
}

// partialCommits returns the commits of wholeCommit, and the imports with outboxOf, of
// which s contains only a part.
func partialCommits(t *testing.T, s *Store) (parts []string) {
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
			parts = append(parts, fmt.Sprintf("only a part of the commit %s exists: %v", name, versions))
		}
		if !s.isAnyAdmin(account.UserID(name)) {
			parts = append(parts, fmt.Sprintf("the admin of the commit %s is missing", name))
		}
	}
	each(t, s, kindOutbox, func(r account.Record) {
		if st, err := s.Status(t.Context(), app, []account.UserID{account.UserID(r.Key)}); err != nil || !st[0].Exists() {
			parts = append(parts, fmt.Sprintf("the outbox contains %s, which does not exist: %v", r.Key, err))
		}
	})
	return parts
}

// isAnyAdmin reports whether an id has an account in the space of any worker.
func (s *Store) isAnyAdmin(id account.UserID) bool {
	for worker := range 16 {
		if s.table.Lookup(record.AppendName(nil, spaceOfWorker(worker), id)).Live() {
			return true
		}
	}
	return false
}

// each calls fn for each record of a kind.
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
