package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"
)

// A component is a part of the server that works for as long as the server runs. What
// it needs is there before it runs, since [Open] opens that. It starts no goroutine
// before.
type component struct {
	name string // in the log and in errors

	// run works until ctx ends, and returns when nothing of it is left. An error ends the
	// server, and so does a panic.
	run func(ctx context.Context) error

	// mayEnd says that run may return nil before ctx ends. Otherwise that is an error.
	mayEnd bool
}

// components lists what runs, in the order of its start. It ends in reverse order, so
// each may rely on those before it. The addresses come last: what they serve relies on
// everything.
func (s *Server) components() []component {
	return []component{
		{name: "reload", run: s.reload},
		{name: "addresses", run: s.serve},
	}
}

// A worker is a component that runs.
type worker struct {
	component
	cancel context.CancelFunc
	done   chan struct{} // closed when it has returned
	err    error         // why it failed; valid when done is closed
}

// start runs c until its cancel is called, and sends it to failed if it ends before by
// itself.
func start(ctx context.Context, c component, lg *slog.Logger, failed chan<- *worker) *worker {
	w := &worker{component: c, done: make(chan struct{})}
	ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(w.done)
		err := w.call(ctx, lg)
		switch {
		case ctx.Err() != nil && errors.Is(err, context.Canceled), err == nil && w.mayEnd:
			return
		case ctx.Err() == nil && err == nil:
			err = fmt.Errorf("%s ended before the server did", w.name)
		}
		if w.err = err; err != nil && ctx.Err() == nil {
			failed <- w
		}
	}()
	return w
}

// call returns the error of run, also if it is a panic.
func (w *worker) call(ctx context.Context, lg *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v", w.name, p)
			lg.Error("panic", slog.String("component", w.name), slog.String("stack", string(debug.Stack())))
		}
	}()
	return w.run(ctx)
}

// A stuckError reports a component that has not ended in time.
type stuckError struct {
	name  string
	after time.Duration
}

// Error implements error.
func (e *stuckError) Error() string {
	return fmt.Sprintf("%s not ended after %v; the store stays open until the process ends, and what was acknowledged is safe", e.name, e.after)
}

// runComponents runs list until ctx ends or a component fails. Then it ends one
// component after the other. It returns what failed, first what failed first. After
// atMost since the end began it waits no more, and tells those that are left; the error
// is then a [*stuckError].
func runComponents(ctx context.Context, list []component, lg *slog.Logger, atMost time.Duration) error {
	failed := make(chan *worker, len(list))
	var workers []*worker
	for _, c := range list {
		w := start(ctx, c, lg, failed)
		defer w.cancel()
		workers = append(workers, w)
	}
	var errs []error
	var first *worker
	select {
	case first = <-failed:
		errs = append(errs, first.err)
		lg.Error("shutting down", slog.String("err", first.err.Error()), slog.Int64("at_most_ms", atMost.Milliseconds()))
	case <-ctx.Done():
		lg.Info("shutting down", slog.Int64("at_most_ms", atMost.Milliseconds()))
	}
	last := time.NewTimer(atMost)
	defer last.Stop()
	for _, w := range slices.Backward(workers) {
		w.cancel()
		select {
		case <-w.done:
		case <-last.C:
			return errors.Join(append(errs, &stuckError{w.name, atMost})...)
		}
		if w != first {
			errs = append(errs, w.err)
		}
	}
	return errors.Join(errs...)
}
