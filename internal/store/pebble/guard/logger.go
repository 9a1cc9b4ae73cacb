package guard

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// A logger is the logger of Pebble.
type logger struct {
	lg      *slog.Logger
	failure *Failure
	errors  *Errors
}

// NewLogger returns the logger of Pebble. Informational lines go to lg at debug level, and
// errors go to es. A fatal error fails the store through f.
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

// Fatalf implements [pebble.Logger]. It does not return, because Pebble would then
// continue and acknowledge data that is not on disk.
func (l *logger) Fatalf(format string, args ...any) { l.failure.stop(fmt.Errorf(format, args...)) }
