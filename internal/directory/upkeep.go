package directory

import (
	"context"

	"rollcall/internal/account"
)

// Snapshot copies the whole store into a new directory on the server's machine; see
// [account.Snapshotter]. able is false if the store cannot copy itself.
func (d *Directory) Snapshot(ctx context.Context, dir string) (able bool, err error) {
	s, ok := account.Find[account.Snapshotter](d.store)
	if !ok {
		return false, nil
	}
	return true, s.Snapshot(ctx, dir)
}

// Reseal seals the keys of all apps that are not sealed with the newest sealing key, and
// returns their number; see [records.Registry.Reseal]. able is false if keys are not
// sealed.
func (d *Directory) Reseal(ctx context.Context, actor string) (n int, able bool, err error) {
	return d.records.Reseal(ctx, d.entry(ctx, actor, "key.reseal", 0, ""))
}
