package logbuf

import (
	"bytes"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"rollcall/internal/testutil"
)

// checkText compares the output of NewText for a record with that of slog.
func checkText(t *testing.T, r slog.Record) {
	t.Helper()
	var got, want bytes.Buffer
	if err := NewText(&got, slog.LevelInfo).Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := slog.NewTextHandler(&want, nil).Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Errorf("got  %s\nwant %s", &got, &want)
	}
}

func TestText(t *testing.T) {
	now := time.Date(2026, 11, 21, 18, 34, 47, 70_999_999, time.UTC)
	east := time.FixedZone("", 8*3600)
	for _, tt := range []struct {
		name  string
		time  time.Time
		level slog.Level
		msg   string
		attrs []slog.Attr
	}{
		{"bare", now, slog.LevelInfo, "ready", nil},
		{"level", now, slog.LevelWarn + 1, "ready", nil},
		{"same second, another zone", now.In(east), slog.LevelInfo, "ready", nil},
		{"next second", now.Add(time.Second), slog.LevelInfo, "ready", nil},
		{"no time", time.Time{}, slog.LevelInfo, "ready", nil},
		{"far time", time.Date(12345, 1, 2, 3, 4, 5, 6, time.UTC), slog.LevelInfo, "ready", nil},
		{"message of words", now, slog.LevelInfo, "shutting down", nil},
		{"no message", now, slog.LevelInfo, "", nil},
		{"simple", now, slog.LevelInfo, "request", []slog.Attr{
			slog.String("path", "/v4/x"), slog.Int("code", -7), slog.Uint64("app", 1400000001),
			slog.Bool("tls", true), slog.Duration("took", 123456*time.Nanosecond),
		}},
		{"group without a name", now, slog.LevelInfo, "request", []slog.Attr{
			{Value: slog.GroupValue(slog.Int("a", 1), slog.Int("b", 2))}, slog.Int("c", 3),
		}},
		{"quotes in a group without a name", now, slog.LevelInfo, "request", []slog.Attr{
			{Value: slog.GroupValue(slog.String("a", "x y"), slog.Int("b", 2))}, slog.Int("c", 3),
		}},
		{"group", now, slog.LevelInfo, "request", []slog.Attr{slog.Group("g", slog.Int("a", 1))}},
		{"empty group", now, slog.LevelInfo, "request", []slog.Attr{slog.Group("g"), slog.Int("a", 1)}},
		{"empty text", now, slog.LevelInfo, "request", []slog.Attr{slog.String("a", "")}},
		{"quotes, then none", now, slog.LevelInfo, "request", []slog.Attr{slog.String("a", "x=y"), slog.Int("b", 1)}},
		{"key that needs quotes", now, slog.LevelInfo, "request", []slog.Attr{slog.Int("a b", 1)}},
		{"zero attribute", now, slog.LevelInfo, "request", []slog.Attr{{}}},
		{"any", now, slog.LevelInfo, "request", []slog.Attr{slog.Any("a", []int{1})}},
		{"float", now, slog.LevelInfo, "request", []slog.Attr{slog.Float64("a", 0.5)}},
		{"floats", now, slog.LevelInfo, "request", []slog.Attr{
			slog.Float64("a", 0), slog.Float64("b", 1.234), slog.Float64("c", 123456789.5), slog.Float64("d", math.Inf(1)), slog.Float64("e", 1e-9),
		}},
		{"time", now, slog.LevelInfo, "request", []slog.Attr{slog.Time("a", now)}},
		{"long", now, slog.LevelInfo, "request", []slog.Attr{slog.String("a", strings.Repeat("x", 2*maxLine))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := slog.NewRecord(tt.time, tt.level, tt.msg, 0)
			r.AddAttrs(tt.attrs...)
			checkText(t, r)
		})
	}
}

func TestTextDerived(t *testing.T) {
	var b bytes.Buffer
	lg := slog.New(NewText(&b, slog.LevelWarn)).With("a", 1).WithGroup("g")
	lg.Info("no")
	lg.Warn("yes", "b", 2)
	if got, want := b.String(), "level=WARN msg=yes a=1 g.b=2\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end in %q", got, want)
	}
}

// TestTextPaths checks that no usual path of the log takes the slow way.
func TestTextPaths(t *testing.T) {
	for _, path := range []string{"/v4/im_open_login_svc/account_import", "/admin/v1/apps/{sdkappid}/devices:login", "/healthz"} {
		if _, simple := appendWord(nil, path); !simple {
			t.Errorf("%s is not simple", path)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(int64(1795286087), int64(70_999_999), 0, "request", "path", "/v4/…", int64(-1))
	f.Fuzz(func(t *testing.T, sec, nsec int64, level int, msg, key, value string, n int64) {
		r := slog.NewRecord(time.Unix(sec, nsec).UTC(), slog.Level(level), msg, 0)
		r.AddAttrs(slog.String(key, value), slog.Duration("took", time.Duration(n)), slog.Attr{Value: slog.GroupValue(slog.Int64(key, n))})
		checkText(t, r)
	})
}

// requestRecord returns a record like that of a request in a server.
func requestRecord() slog.Record {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
	r.AddAttrs(slog.Attr{Value: slog.GroupValue(
		slog.String("request_id", "ABCDEFGHIJKLMNOP"), slog.String("method", "POST"), slog.String("path", "/v4/im_open_login_svc/account_import"),
		slog.Int("status", 200), slog.Float64("took_ms", 1.234), slog.Int("bytes_in", 90), slog.Int64("bytes_out", 50),
		slog.String("command", "account_import"), slog.Uint64("app", 1400000001), slog.Int("code", 0), slog.Int("rate_shadow", 70169),
	)})
	return r
}

func TestTextAllocs(t *testing.T) {
	if testutil.Race {
		t.Skip("pools drop objects under the race detector")
	}
	h := New(discard{}, func(w io.Writer) slog.Handler { return NewText(w, slog.LevelInfo) })
	defer h.Close()
	r := requestRecord()
	handle := func() {
		if err := h.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * enough / 200 { // until both buffers have their final size
		handle()
	}
	if got := testing.AllocsPerRun(200, handle); got > 0 {
		t.Errorf("%v allocations for a line, want none", got)
	}
}

func BenchmarkText(b *testing.B) {
	r := requestRecord()
	for _, bench := range []struct {
		name string
		h    slog.Handler
	}{
		{"ours", NewText(discard{}, slog.LevelInfo)},
		{"slog", slog.NewTextHandler(discard{}, nil)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.h.Handle(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A discard ignores all writes. It replaces [io.Discard], for which slog does
// not even format.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
