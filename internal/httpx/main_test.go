package httpx

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A logBuffer keeps what a logger writes.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// newLog returns a logger of all levels and what it writes.
func newLog() (*slog.Logger, *logBuffer) {
	b := new(logBuffer)
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})), b
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
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
