package records_test

import (
	"context"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// newImport stores an import with a progress and a rejection.
func (v *env) newImport(id string) *records.Import {
	v.Helper()
	i := &records.Import{App: app, Key: "key", ID: id, Created: now}
	if err := v.r.CreateImport(v.Context(), *i, by("import.start")); err != nil {
		v.Fatal(err)
	}
	ws := i.ProgressWrites(records.ImportProgress{Row: 7, Failed: 1, Listed: 1, At: now}, []records.Rejection{{Row: 7, Reason: "bad"}})
	if err := v.r.CommitProgress(v.Context(), ws); err != nil {
		v.Fatal(err)
	}
	return i
}

// leftOf returns the progress and the number of rejections of an import.
func (v *env) leftOf(i *records.Import) (row int64, rejected int) {
	v.Helper()
	p, err := v.r.Progress(v.Context(), i)
	if err != nil {
		v.Fatal(err)
	}
	rs, err := v.r.Rejected(v.Context(), i, 0, 10)
	if err != nil {
		v.Fatal(err)
	}
	return p.Row, len(rs)
}

// TestRemoveImport removes an import twice. In between another one gets the key, and that
// one stays, as an import stays that is changed during its removal.
func TestRemoveImport(t *testing.T) {
	each(t, func(v *env) {
		ctx := v.Context()
		old := v.newImport("old")
		remove := func(i *records.Import, want bool) {
			v.Helper()
			removed, err := v.r.RemoveImport(ctx, i)
			v.code("RemoveImport", err, account.OK)
			v.equal("removed", removed, want)
		}
		remove(old, true)
		row, rejected := v.leftOf(old)
		v.equal("row", row, int64(0))
		v.equal("rejections", rejected, 0)

		other := v.newImport("other")
		remove(old, true)
		stored, err := v.r.Import(ctx, app, "key")
		v.code("Import", err, account.OK)
		v.equal("the import that got the key", stored.ID, other.ID)
		row, rejected = v.leftOf(other)
		v.equal("its row", row, int64(7))
		v.equal("its rejections", rejected, 1)

		late := records.New(&lateEngine{v.e, func() {
			_, err := v.r.ChangeImport(ctx, other, func(i *records.Import) error { i.Rate++; return nil }, nil)
			v.code("ChangeImport", err, account.OK)
		}}, nil)
		removed, err := late.RemoveImport(ctx, other)
		v.code("RemoveImport of an import that changes", err, account.OK)
		v.equal("removed", removed, false)
		row, rejected = v.leftOf(other)
		v.equal("row", row, int64(7))
		v.equal("rejections", rejected, 1)
		remove(other, true)
	})
}

// A lateEngine lets another change come before each commit.
type lateEngine struct {
	account.Engine
	before func()
}

func (e *lateEngine) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	e.before()
	return e.Engine.Commit(ctx, c)
}
