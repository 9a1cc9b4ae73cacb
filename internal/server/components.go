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

// A component is a part of the server that works as long as the server runs. [Open] opens
// everything that it needs. A component starts no goroutine before it runs.
type component struct {
	name string // in the log and in errors

	// run works until ctx ends, and returns after all its goroutines have ended. An error
	// or a panic ends the server. If run needs time to end after a failure, it calls fail
	// with the error at once. It then waits for the end of ctx, and does not return that
	// error again.
	run func(ctx context.Context, fail func(error)) error

	// mayEnd allows run to return nil before ctx ends. Otherwise that is an error.
	mayEnd bool
}

// components returns the components in the order of their start. They end in reverse
// order, so a component may rely on those before it. The addresses come after all that their
// handlers rely on. The supervisor comes last: it hears of the end before anything ends.
func (s *Server) components() []component {
	list := []component{{name: "watchdog", run: s.runWatchdog}, {name: "reload", run: s.reload}, {name: "local certificate", run: s.renewLocal}, {name: "figures", run: s.runFigures}, {name: "imports", run: s.runImports}, {name: "webhooks", run: s.runWebhooks}, {name: "login sessions", run: s.runSessions}, {name: "links", run: s.runLinks}, {name: "mutes", run: s.sweepMutes}}
	if s.limits != nil {
		list = append(list, component{name: "rate limits", run: s.runLimits})
	}
	if s.backups != nil {
		list = append(list, component{name: "backups", run: s.runBackups})
	}
	if s.o.AllowTestApps != nil && *s.o.AllowTestApps {
		list = append(list, component{name: "expiry", run: s.expire})
	}
	return append(list, component{name: "addresses", run: s.serve}, component{name: "supervisor", run: s.runSupervisor})
}

// runSessions reads login sessions into memory if no other server uses the store. Then it
// writes and reports what comes due of them, until ctx ends.
func (s *Server) runSessions(ctx context.Context, _ func(error)) error {
	if !s.shared {
		if err := s.dir.KeepSessions(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return s.dir.RunSessions(ctx)
}

// A worker is a component that runs.
type worker struct {
	component
	cancel context.CancelFunc
	done   chan struct{} // closed when run has returned
	err    error         // of run, unless it was the first failure; valid when done is closed
}

// A failure is the first failure of any component.
type failure struct {
	once     sync.Once
	happened chan struct{}
	err      error // valid when happened is closed
}

// tell stores err if it is the first failure, and reports whether it is.
func (f *failure) tell(err error) (first bool) {
	f.once.Do(func() {
		f.err, first = err, true
		close(f.happened)
	})
	return first
}

// start runs c until its cancel is called.
func start(ctx context.Context, c component, lg *slog.Logger, f *failure) *worker {
	w := &worker{component: c, done: make(chan struct{})}
	ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(w.done)
		w.err = w.work(ctx, lg, f)
	}()
	return w
}

// work runs w and returns its error. It returns nil if the error is the first failure,
// because f then has the error.
func (w *worker) work(ctx context.Context, lg *slog.Logger, f *failure) error {
	err := w.call(ctx, lg, func(err error) { f.tell(err) })
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled), err == nil && w.mayEnd:
		return nil
	case ctx.Err() == nil && err == nil:
		err = fmt.Errorf("%s ended before the server did", w.name)
	}
	if err != nil && ctx.Err() == nil && f.tell(err) {
		return nil
	}
	return err
}

// call calls run and returns its error. It returns a panic of run as an error.
func (w *worker) call(ctx context.Context, lg *slog.Logger, fail func(error)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v", w.name, p)
			lg.Error("panic", slog.String("component", w.name), slog.String("stack", string(debug.Stack())))
		}
	}()
	return w.run(ctx, fail)
}

// A stuckError reports a component that did not end in time.
type stuckError struct {
	name  string
	after time.Duration
}

// Error implements error.
func (e *stuckError) Error() string {
	return fmt.Sprintf("%s not ended after %v; the store stays open until the process ends, and what was acknowledged is safe", e.name, e.after)
}

// runComponents runs list until ctx ends or a component fails. Then it ends one component
// after the other. It returns all errors, beginning with the first failure. It waits for
// the ends for at most atMost. After that it cancels the remaining components without
// waiting for them, and its error contains a [*stuckError].
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
