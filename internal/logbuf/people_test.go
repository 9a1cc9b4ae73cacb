package logbuf

import (
	"bytes"
	"log/slog"
	"testing"
	"time"
)

// TestPeople compares lines for a terminal, with colours and without.
func TestPeople(t *testing.T) {
	now := time.Date(2026, 11, 21, 18, 34, 47, 70_000_000, time.Local)
	request := slog.Attr{Value: slog.GroupValue(
		slog.String("request_id", "KLQ7"), slog.String("method", "POST"), slog.String("path", "/v4/…"), slog.Int("status", 200),
		slog.Float64("took_ms", 1.984), slog.Int("bytes_in", 5), slog.Int64("bytes_out", 9),
		slog.String("command", "account_import"), slog.Uint64("app", 1400000001), slog.Int("code", 70402), slog.Int("failed", 1),
	)}
	other := slog.Attr{Value: slog.GroupValue(
		slog.String("request_id", "KLQ8"), slog.String("method", "GET"), slog.String("path", "/readyz"), slog.Int("status", 503),
		slog.Float64("took_ms", 0.1), slog.String("err", "disk full"),
	)}
	for _, tt := range []struct {
		level   slog.Level
		msg     string
		attr    slog.Attr
		colours bool
		want    string
	}{
		{slog.LevelWarn, "request", request, false, "18:34:47.070 WRN account_import 70402 in 1.984 ms request_id=KLQ7 app=1400000001 failed=1\n"},
		{slog.LevelError, "request", other, false, "18:34:47.070 ERR GET /readyz 503 in 0.1 ms request_id=KLQ8 err=\"disk full\"\n"},
		{slog.LevelInfo, "listening", slog.String("addr", "127.0.0.1:7580"), false, "18:34:47.070 INF listening addr=127.0.0.1:7580\n"},
		{slog.LevelInfo, "listening", slog.String("addr", "127.0.0.1:7580"), true, "\x1b[2m18:34:47.070\x1b[0m \x1b[92mINF\x1b[0m listening \x1b[2maddr=\x1b[0m127.0.0.1:7580\n"},
		{slog.LevelInfo, "note", slog.String("nick", "a\x1b[31m\nb"), false, "18:34:47.070 INF note nick=\"a\\nb\"\n"},
	} {
		var got bytes.Buffer
		r := slog.NewRecord(now, tt.level, tt.msg, 0)
		r.AddAttrs(tt.attr)
		if err := NewPeople(&got, slog.LevelInfo, tt.colours).Handle(t.Context(), r); err != nil || got.String() != tt.want {
			t.Errorf("%v\ngot  %q\nwant %q", err, got.String(), tt.want)
		}
	}
}
