// Package testutil contains helpers for the tests of several packages: loggers whose
// output is searched for secrets, golden files, HTTP requests and certificates. Programs
// do not import it.
package testutil

import (
	"log/slog"
	"testing"
)

// Logger returns a logger of all levels. It writes to the output of tb, which the go
// command shows when the test fails, and stores a copy for [Main]. It must not be used
// after tb has ended.
func Logger(tb testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(Keep(tb, tb.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
