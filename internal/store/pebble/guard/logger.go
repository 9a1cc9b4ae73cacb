package guard

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// A logger is what Pebble logs to. Its everyday lines are for debugging alone.
type logger struct {
	lg      *slog.Logger
	failure *Failure
	errors  *Errors
}

// NewLogger returns what Pebble is to log to. Everyday lines go to lg, errors to es,
// and after what Pebble calls fatal the store has failed with f.
func NewLogger(lg *slog.Logger, f *Failure, es *Errors) pebble.Logger {
	return &logger{lg: lg, failure: f, errors: es}
}

// Infof implements [pebble.Logger].
func (l *logger) Infof(format string, args ...any) {
	if l.lg.Enabled(context.Background(), slog.LevelDebug) {
		l.lg.Debug("storage engine", "text", fmt.Sprintf(format, args...))
	}
}

// Errorf implements [pebble.Logger].
func (l *logger) Errorf(format string, args ...any) {
	l.errors.Log(fmt.Errorf(format, args...))
}

// Fatalf implements [pebble.Logger]. It does not return: Pebble would go on and
// acknowledge what is not on disk.
func (l *logger) Fatalf(format string, args ...any) { l.failure.stop(fmt.Errorf(format, args...)) }
