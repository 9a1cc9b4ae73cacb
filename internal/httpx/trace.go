package httpx

import "context"

// A Trace is the trace of a request that is sampled.
type Trace interface {
	// ID returns the id of the trace, in hexadecimal digits.
	ID() string

	// End ends the trace of a request after its response. The event must not be kept.
	End(e *Event, status int)
}

type traceKey struct{}

// WithTrace returns a context whose request has a trace. It must be called before the
// request reaches a [Handler], which ends the trace.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceFrom returns the trace of the request that ctx belongs to, or nil.
func TraceFrom(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

// TraceAttr is the key of the attribute with the id of a trace, in the log and in exemplars.
const TraceAttr = "trace_id"

// TraceID returns the id of the trace of the request, or "" if it is not sampled.
func (e *Event) TraceID() string {
	if e.trace == nil {
		return ""
	}
	return e.trace.ID()
}
