package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// A component is a part of the server that works for as long as the server runs. [Open]
// opens everything that it needs. It starts no goroutine before run.
type component struct {
	name string // in the log and in errors

	// run works until ctx ends, and returns after everything that it started has ended.
	// An error or a panic ends the server.
	run func(ctx context.Context) error

	// mayEnd says that run may return nil before ctx ends. Otherwise that is an error.
	mayEnd bool
}

// components lists the components in the order of their start. They end in reverse order,
// so each may rely on those before it. The addresses come last, because their requests
// rely on all other components.
func (s *Server) components() []component {
	return []component{
		{name: "reload", run: s.reload},
		{name: "addresses", run: s.serve},
	}
}

// A worker is a running component.
type worker struct {
	component
	cancel context.CancelFunc
	done   chan struct{} // closed when it has returned
	err    error         // why it failed, unless it was the first that did; valid when done is closed
}

// start runs c until cancel of the worker is called. If c fails before that, start sends
// the worker to failed.
func start(ctx context.Context, c component, lg *slog.Logger, failed chan<- *worker) *worker {
	w := &worker{component: c, done: make(chan struct{})}
	ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(w.done)
		w.err = w.work(ctx, lg, f)
	}()
	return w
}

// call calls run and returns its error, or its panic as an error.
func (w *worker) call(ctx context.Context, lg *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v", w.name, p)
			lg.Error("panic", slog.String("component", w.name), slog.String("stack", string(debug.Stack())))
		}
	}()
	return w.run(ctx, fail)
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

// runComponents runs list until ctx ends or a component fails. Then it ends one component
// after the other, and returns their errors. The error of the first failure comes first.
// If that takes longer than atMost, it returns a [*stuckError] without waiting for the
// rest, whose contexts it cancels.
func runComponents(ctx context.Context, list []component, lg *slog.Logger, atMost time.Duration) error {
	failed := &failure{happened: make(chan struct{})}
	var workers []*worker
	for _, c := range list {
		w := start(ctx, c, lg, failed)
		defer w.cancel()
		workers = append(workers, w)
	}
	var errs []error
	select {
	case <-failed.happened:
		errs = append(errs, failed.err)
		lg.Error("shutting down", slog.String("err", failed.err.Error()), slog.Int64("at_most_ms", atMost.Milliseconds()))
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
		errs = append(errs, w.err)
	}
	return errors.Join(errs...)
}
