package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/testutil"
)

// steps records the steps of components, in order.
type steps struct {
	mu   sync.Mutex
	done []string
}

func (s *steps) note(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, step)
}

// String returns the steps so far.
func (s *steps) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.done, ", ")
}

// lasting returns a component that needs the time took to end.
func (s *steps) lasting(name string, took time.Duration) component {
	return component{name: name, run: func(ctx context.Context, _ func(error)) error {
		<-ctx.Done()
		s.note(name + " is told")
		time.Sleep(took)
		s.note(name + " ends")
		return ctx.Err()
	}}
}

// returning returns a component that ends by itself after a minute.
func returning(name string, err error) component {
	return component{name: name, run: func(context.Context, func(error)) error {
		time.Sleep(time.Minute)
		return err
	}}
}

const orderly = "c is told, c ends, b is told, b ends, a is told, a ends"

// TestComponents checks that components end one after the other in reverse order, for
// every reason of the end.
func TestComponents(t *testing.T) {
	broken := errors.New("it broke")
	quick := returning("quick", nil)
	quick.mayEnd = true
	for name, test := range map[string]struct {
		odd  component // between b and c
		took time.Duration
		want string // error
	}{
		"the context ends":   {quick, time.Hour, ""},
		"one breaks":         {returning("odd", broken), time.Minute, "it broke"},
		"one ends":           {returning("odd", nil), time.Minute, "odd ended before the server did"},
		"one breaks at once": {component{name: "odd", run: func(context.Context, func(error)) error { return broken }}, 0, "it broke"},
		"one tells": {component{name: "odd", run: func(ctx context.Context, fail func(error)) error {
			fail(broken)
			fail(broken)
			<-ctx.Done()
			return ctx.Err()
		}}, 0, "it broke"},
		"one panics":           {component{name: "odd", run: func(context.Context, func(error)) error { panic("index out of range") }}, 0, "odd: panic: index out of range"},
		"one fails at the end": {component{name: "odd", run: func(ctx context.Context, _ func(error)) error { <-ctx.Done(); return broken }}, time.Hour, "it broke"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				s, start := new(steps), time.Now()
				list := []component{s.lasting("a", time.Second), s.lasting("b", time.Second), test.odd, s.lasting("c", time.Second)}
				err := runComponents(ctx, list, testutil.Logger(t), time.Minute)
				if got := s.String(); got != orderly {
					t.Errorf("steps %s, want %s", got, orderly)
				}
				if took := time.Since(start); took != test.took+3*time.Second {
					t.Errorf("it took %v, want %v and 3s", took, test.took)
				}
				if got := fmt.Sprint(err); err != nil && got != test.want || err == nil && test.want != "" {
					t.Errorf("error %v, want %q", err, test.want)
				}
			})
		})
	}
}

// TestStuckComponent has a component that does not end. runComponents returns at the
// limit, and its error names the component and the earlier failures.
func TestStuckComponent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := new(steps), time.Now()
		late := component{name: "late", run: func(context.Context, func(error)) error {
			time.Sleep(time.Minute + 5*time.Second)
			return errors.New("it broke later")
		}}
		list := []component{s.lasting("a", 0), s.lasting("b", time.Hour), returning("odd", errors.New("it broke")), late, s.lasting("c", 9*time.Second)}
		err := runComponents(t.Context(), list, testutil.Logger(t), 10*time.Second)
		if took := time.Since(start); took != time.Minute+10*time.Second {
			t.Errorf("it took %v, want a minute and 10s", took)
		}
		stuck, ok := errors.AsType[*stuckError](err)
		if !ok || stuck.name != "b" || !strings.HasPrefix(err.Error(), "it broke\nit broke later\nb not ended after 10s; ") {
			t.Errorf("error %v, want that b has not ended", err)
		}
		time.Sleep(time.Hour) // until b has ended too
		if !strings.Contains(s.String(), "a ends") {
			t.Errorf("steps %s, want that a was told too", s)
		}
	})
}

// A closing engine records the step when it is closed.
type closing struct {
	account.Engine
	steps *steps
}

func (c closing) Close() error {
	c.steps.note("engine closed")
	return nil
}

// TestEngineOutlivesHandlers cuts off a handler. The engine is closed only after the
// handler has ended, and stays open if that takes too long.
func TestEngineOutlivesHandlers(t *testing.T) {
	for name, test := range map[string]struct {
		extra time.Duration // that a handler takes after it was cut off
		took  time.Duration
		steps string
		want  string
	}{
		"in time":  {cutTime - time.Second, 10*time.Second + cutTime - time.Second, "cut off, handler ends, engine closed", "requests in flight on address one were cut off after 10s"},
		"too long": {time.Hour, 10*time.Second + cutTime, "cut off", "addresses not ended after 15s; the store stays open until the process ends, and what was acknowledged is safe"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, a, _ := newPipes(t, 0, 0)
				steps := new(steps)
				s.engine = closing{steps: steps}
				s.listeners[0].srv.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					<-r.Context().Done()
					steps.note("cut off")
					time.Sleep(test.extra)
					steps.note("handler ends")
				})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- s.Run(ctx) }()
				go func() { _ = a.get() }()
				synctest.Wait()
				cancel()
				start := time.Now()
				err := <-done
				if took := time.Since(start); took != test.took {
					t.Errorf("the end took %v, want %v", took, test.took)
				}
				if got := steps.String(); got != test.steps {
					t.Errorf("steps %s, want %s", got, test.steps)
				}
				if fmt.Sprint(err) != test.want {
					t.Errorf("Run = %v, want %s", err, test.want)
				}
				time.Sleep(2 * time.Hour) // until the handler has ended too
			})
		})
	}
}

// TestOpenFails fails a start after the store was opened. The start closes the store and
// the address again.
func TestOpenFails(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	dir := t.TempDir()
	c := config.Config{Listen: free.Addr().String(), Store: "pebble:" + filepath.Join(dir, "accounts"), Data: dir}
	o := Options{Config: c, App: &account.App{ID: 1}, Logger: testutil.Logger(t)} // an app without an edition
	if _, err := openWith(t, o); account.CodeOf(err) != account.InvalidApp {
		t.Fatalf("Open = %v, want that the app is invalid", err)
	}
	running(t, c, func(*Server) {})
}
