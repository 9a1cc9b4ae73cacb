package directory

import (
	"context"

	"rollcall/internal/account"
)

// Snapshot copies the whole store into a new folder of the server's machine; see
// [account.Snapshotter]. It returns false if the store has no way to.
func (d *Directory) Snapshot(ctx context.Context, dir string) (able bool, err error) {
	s, ok := account.Find[account.Snapshotter](d.store)
	if !ok {
		return false, nil
	}
	return true, s.Snapshot(ctx, dir)
}

// Reseal seals the keys of all apps with the newest key and returns how many were not;
// see [records.Registry.Reseal]. It returns false if keys are not sealed.
func (d *Directory) Reseal(ctx context.Context, actor string) (n int, able bool, err error) {
	return d.records.Reseal(ctx, d.entry(ctx, actor, "key.reseal", 0, ""))
}
