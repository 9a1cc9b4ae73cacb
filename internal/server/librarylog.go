package server

import (
	"context"
	"log"
	"log/slog"
	"strings"
)

// libraryLog returns a logger for the messages of net/http. Most are about clients that
// misbehave and are logged at level debug. Messages about this server have a higher
// level.
func libraryLog(lg *slog.Logger) *log.Logger { return log.New(libraryWriter{lg}, "", 0) }

type libraryWriter struct{ lg *slog.Logger }

// Write logs one message.
func (w libraryWriter) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	level := slog.LevelDebug
	switch {
	case strings.HasPrefix(text, "http: Accept error"): // repeated at most once a second
		level = slog.LevelWarn
	case strings.HasPrefix(text, "http: panic"):
		level = slog.LevelError
	}
	w.lg.Log(context.Background(), level, "net/http", slog.String("says", text))
	return len(p), nil
}
