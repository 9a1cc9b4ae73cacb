package directory

import (
	"context"
	"iter"

	"rollcall/internal/account"
)

// Export returns all accounts of an app as they are at one moment; see [account.Exporter].
// rows is nil if the store cannot export.
//
// Codes: NoApp.
func (d *Directory) Export(ctx context.Context, app account.AppID, q account.ExportQuery) (rows iter.Seq2[*account.Exported, error], err error) {
	if _, err := d.App(ctx, app); err != nil {
		return nil, err
	}
	x, ok := account.Find[account.Exporter](d.store)
	if !ok {
		return nil, nil
	}
	return x.Export(ctx, app, q), nil
}
