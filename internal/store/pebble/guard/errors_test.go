package guard

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestErrors checks that many errors do not fill the log.
func TestErrors(t *testing.T) {
	var log bytes.Buffer
	l := NewErrors(slog.New(slog.NewTextHandler(&log, nil)))
	began := time.Now()
	for range 1000 {
		l.Log(errors.New("again"))
	}
	lines := strings.Count(log.String(), "\n")
	if most := 1 + int(time.Since(began)/time.Second); lines < 1 || lines > most {
		t.Errorf("%d lines, want 1 to %d", lines, most)
	}
}
