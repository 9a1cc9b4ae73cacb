package postgres

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// importRound imports items of different ids. Their tombstones must be from before bound.
func (g *group) importRound(t *tx, round []*item, bound int64) error {
	for part := range slices.Chunk(round, account.LoadBatch) { // Citus has a parameter for each value
		c := columnsOf(g.app, part)
		t.s.sql.queueImport(t, g.app, c, bound).Query(func(rows pgx.Rows) error {
			return g.readImported(rows, part)
		})
	}
	if err := t.send(); err != nil {
		return err
	}
	return g.lookUp(t, round)
}

// importColumns are the accounts of an import by columns.
type importColumns struct {
	proposed, now     []int64
	bucket            []int32
	ids, nicks, faces []string
}

func columnsOf(app account.AppID, round []*item) *importColumns {
	n := len(round)
	c := &importColumns{make([]int64, n), make([]int64, n), make([]int32, n), make([]string, n), make([]string, n), make([]string, n)}
	for i, it := range round {
		c.proposed[i], c.now[i], c.bucket[i] = it.proposed, it.now, bucketOf(app, it.ID)
		c.ids[i], c.nicks[i], c.faces[i] = string(it.ID), escape(it.Nick), escape(it.FaceURL)
	}
	return c
}

// readImported reads the accounts that were created or changed.
func (g *group) readImported(rows pgx.Rows, round []*item) error {
	var id string
	var internal int64
	_, err := pgx.ForEachRow(rows, []any{&id, &internal}, func() error {
		it := find(round, id)
		created := internal == it.proposed
		if created {
			g.delta++
		}
		*it.result = account.UpsertResult{
			Code: account.OK, InternalID: uint64(internal),
			Created: created || slices.Contains(it.earlier, internal),
		}
		return nil
	})
	return err
}

// find returns the item of an id, which round has.
func find(round []*item, id string) *item {
	i, _ := slices.BinarySearchFunc(round, id, func(it *item, id string) int { return strings.Compare(string(it.ID), id) })
	return round[i]
}

// lookUp finds out why items were not changed: the account exists and already has the
// texts, or it has a tombstone.
func (g *group) lookUp(t *tx, round []*item) error {
	var ids []string
	for _, it := range round {
		if it.result.Code != account.OK {
			ids = append(ids, string(it.ID))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var retry []*item
	t.s.sql.queueFound(t, g.app, ids).Query(func(rows pgx.Rows) error {
		var id string
		var internal, deleted int64
		_, err := pgx.ForEachRow(rows, []any{&id, &internal, &deleted}, func() error {
			it := find(round, id)
			switch {
			case deleted == 0:
				*it.result = account.UpsertResult{Code: account.OK, InternalID: uint64(internal), Created: slices.Contains(it.earlier, internal)}
			case deleted < it.bound: // which is later than that of the group
				retry = append(retry, it)
			default:
				it.result.Code = account.Tombstoned
			}
			return nil
		})
		return err
	})
	if err := t.send(); err != nil {
		return err
	}
	for _, it := range retry {
		if err := g.importRound(t, []*item{it}, it.bound); err != nil {
			return err
		}
	}
	return nil
}
