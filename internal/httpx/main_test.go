package httpx

import (
	"encoding/json"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"rollcall/internal/testutil"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A logBuffer stores the output of a logger.
type logBuffer struct{ testutil.Buffer }

// newLog returns a logger of all levels and its output.
func newLog() (*slog.Logger, *logBuffer) {
	b := new(logBuffer)
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})), b
}

// one returns the only event in the log.
func (b *logBuffer) one(t *testing.T) map[string]any {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal([]byte(b.String()), &event); err != nil {
		t.Fatalf("want one event, got: %v\n%s", err, b)
	}
	return event
}
