package metered

import (
	"context"
	"iter"

	"rollcall/internal/account"
)

// An exporter is an engine that can export.
type exporter struct {
	*engine
	below account.Exporter
}

// Export implements [account.Exporter].
func (m *exporter) Export(ctx context.Context, app account.AppID, q account.ExportQuery) iter.Seq2[*account.Exported, error] {
	return func(yield func(*account.Exported, error) bool) {
		start, items, failure := m.begin(), 0, error(nil)
		defer func() { m.observe(ctx, "Export", start, items, failure) }()
		for e, err := range m.below.Export(ctx, app, q) {
			if err == nil {
				items++
			}
			failure = err
			if !yield(e, err) {
				return
			}
		}
	}
}
