// Package testutil holds what tests of several packages share. Programs do not
// import it.
package testutil

import (
	"log/slog"
	"testing"
)

// Logger returns a logger of all levels that writes to the output of tb, which
// the go command shows when the test fails, and keeps it for [Main]. It must not
// be used after tb has ended.
func Logger(tb testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(Keep(tb, tb.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
