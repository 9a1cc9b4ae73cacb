package directory

import (
	"context"

	"rollcall/internal/account"
)

// Copyable reports whether the store can copy itself.
func (d *Directory) Copyable() bool {
	_, ok := account.Find[account.Snapshotter](d.store)
	return ok
}

// Snapshot copies the whole store into a new directory on the server's machine; see
// [account.Snapshotter]. Codes: BadParameter if the store cannot copy itself.
func (d *Directory) Snapshot(ctx context.Context, dir string) error {
	s, ok := account.Find[account.Snapshotter](d.store)
	if !ok {
		return &account.Error{Code: account.BadParameter, Detail: "this store cannot copy itself"}
	}
	return s.Snapshot(ctx, dir)
}

// Reseal seals the keys of all apps that are not sealed with the newest sealing key, and
// returns their number; see [records.Registry.Reseal]. able is false if keys are not
// sealed.
func (d *Directory) Reseal(ctx context.Context, actor string) (n int, able bool, err error) {
	return d.records.Reseal(ctx, d.entry(ctx, actor, "key.reseal", 0, ""))
}
