package logbuf

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/lmittmann/tint"
)

// NewPeople returns a handler for a person at a terminal. A line has the time of day, the
// level, the message and the attributes, with colours if colours is true. The line of a
// request begins with its command and outcome, and leaves out what only programs need.
func NewPeople(w io.Writer, level slog.Leveler, colours bool) slog.Handler {
	return &people{tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: "15:04:05.000", NoColor: !colours})}
}

type people struct{ slog.Handler }

// requestMessage is the message of the line of a request; see package httpx.
const requestMessage = "request"

// Handle implements [slog.Handler].
func (p *people) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != requestMessage {
		return p.Handler.Handle(ctx, r)
	}
	attrs := map[string]slog.Value{}
	var rest []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		rest = splitAttr(attrs, rest, a)
		return true
	})
	line := slog.NewRecord(r.Time, r.Level, summary(attrs), r.PC)
	line.AddAttrs(rest...)
	return p.Handler.Handle(ctx, line)
}

// WithAttrs implements [slog.Handler].
func (p *people) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &people{p.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (p *people) WithGroup(name string) slog.Handler { return &people{p.Handler.WithGroup(name)} }

// inSummary are the attributes of a request that [summary] shows, or that a person does not
// need.
var inSummary = map[string]bool{"method": true, "path": true, "status": true, "command": true, "code": true, "took_ms": true, "bytes_in": true, "bytes_out": true}

// splitAttr adds a to attrs if it is one of [inSummary], and otherwise to rest, which it
// returns. It does so with the attributes of a group without a name.
func splitAttr(attrs map[string]slog.Value, rest []slog.Attr, a slog.Attr) []slog.Attr {
	switch {
	case a.Key == "" && a.Value.Kind() == slog.KindGroup:
		for _, a := range a.Value.Group() {
			rest = splitAttr(attrs, rest, a)
		}
		return rest
	case inSummary[a.Key]:
		attrs[a.Key] = a.Value
		return rest
	}
	return append(rest, a)
}

// summary returns the message of a request, as "account_import 0 in 1.98 ms". Without a
// command it has the method and the path, and without a code the status.
func summary(attrs map[string]slog.Value) string {
	what, outcome := attrs["command"].String(), attrs["code"]
	if _, ok := attrs["command"]; !ok {
		what = fmt.Sprintf("%v %v", attrs["method"], attrs["path"])
	}
	if _, ok := attrs["code"]; !ok {
		outcome = attrs["status"]
	}
	return fmt.Sprintf("%s %v in %v ms", what, outcome, attrs["took_ms"])
}
