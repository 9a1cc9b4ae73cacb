package server

import (
	"context"
	"log"
	"log/slog"
	"strings"
)

// libraryLog returns a logger for what net/http has to say. Most of it is about
// clients that misbehave and is for debugging; what is about this server is not.
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
