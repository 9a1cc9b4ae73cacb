package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/config"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// drainer is a server without addresses that drains for ten seconds.
func drainer(t *testing.T, signals chan os.Signal) (s *Server, ignored *bool) {
	ignored = new(bool)
	s = &Server{drain: newDrain(), o: Options{
		Config: config.Config{Drain: 10 * time.Second}, Logger: testutil.Logger(t),
		Stops: func() (<-chan os.Signal, func()) { return signals, func() { *ignored = true } },
	}}
	s.dir = directory.New(directory.Options{Engine: new(mem.Store)})
	return s, ignored
}

// probe returns the status of /readyz, and whether the response ends its connection.
func (s *Server) probe(t *testing.T) (status int, closes bool) {
	t.Helper()
	w := httptest.NewRecorder()
	s.closingLast(s.adapt(s.ready)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	return w.Code, w.Header().Get("Connection") == "close"
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal, 2)
		s, ignored := drainer(t, signals)
		ctx, cancel := context.WithCancel(t.Context())
		drained, stop := s.drained(ctx)
		defer stop()
		begin := time.Now()
		check := func(when string, status int, closes bool) {
			t.Helper()
			synctest.Wait()
			if gotStatus, gotCloses := s.probe(t); gotStatus != status || gotCloses != closes || drained.Err() != nil {
				t.Errorf("%s: status %d, closes %v, %v; want %d, %v", when, gotStatus, gotCloses, drained.Err(), status, closes)
			}
		}
		check("before the signal", 200, false)
		signals <- os.Interrupt
		cancel()
		check("at once", 503, false)
		time.Sleep(5*time.Second - 1)
		check("at the end of the first half", 503, false)
		time.Sleep(time.Nanosecond)
		check("in the second half", 503, true)
		<-drained.Done()
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("the drain took %v, want 10s", took)
		}
		synctest.Wait()
		if !*ignored {
			t.Error("a signal during the shutdown does not end the process")
		}
	})
}

// TestDrainEndsEarly ends a drain by a second signal, in either half.
func TestDrainEndsEarly(t *testing.T) {
	for _, after := range []time.Duration{0, 2 * time.Second, 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			signals := make(chan os.Signal, 2)
			s, _ := drainer(t, signals)
			ctx, cancel := context.WithCancel(t.Context())
			drained, stop := s.drained(ctx)
			defer stop()
			begin := time.Now()
			signals <- os.Interrupt
			cancel()
			time.Sleep(after)
			signals <- os.Interrupt
			<-drained.Done()
			if took := time.Since(begin); took != after {
				t.Errorf("the drain ended after %v, want %v", took, after)
			}
		})
	}
}

// TestDrainOfAnEarlySignal ends a drain whose first signal came before the server listened
// for signals.
func TestDrainOfAnEarlySignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := drainer(t, make(chan os.Signal, 2))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		drained, stop := s.drained(ctx)
		defer stop()
		begin := time.Now()
		<-drained.Done()
		if took := time.Since(begin); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("the drain took %v, want about 10s", took)
		}
	})
}

// TestDrainAndFailure checks that a component which fails ends the drain.
func TestDrainAndFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := drainer(t, make(chan os.Signal, 2))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		drained, stop := s.drained(ctx)
		begin, broken := time.Now(), errors.New("broken")
		err := runComponents(drained, []component{{name: "part", run: func(context.Context, func(error)) error {
			time.Sleep(time.Second)
			return broken
		}}}, s.o.Logger, time.Second)
		stop()
		if took := time.Since(begin); !errors.Is(err, broken) || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// TestNoDrain checks that without a drain nothing is waited for.
func TestNoDrain(t *testing.T) {
	s, _ := drainer(t, nil)
	s.o.Drain = 0
	ctx, cancel := context.WithCancel(t.Context())
	drained, stop := s.drained(ctx)
	defer stop()
	cancel()
	if drained.Err() == nil {
		t.Error("the context has not ended")
	}
}
