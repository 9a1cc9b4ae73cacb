package session_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/testutil/anystore"
)

// TestJoint makes changes while the commit of another one is under way. They share the next
// commit, and each has its own result.
func TestJoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(t, anystore.Mem, true, func(v *env) {
			release := make(chan struct{})
			var announced []string
			s := session.New(session.Options{
				Records: v.r, Now: func(*account.App) time.Time { return v.now() }, Real: v.now,
				Announce: func(e account.Event) {
					<-release
					var users []string
					for _, item := range e.Items {
						users = append(users, string(item.ID))
					}
					slices.Sort(users)
					announced = append(announced, strings.Join(users, " "))
				},
			})
			codes := map[string]account.Code{}
			var mu sync.Mutex
			var wg sync.WaitGroup
			begin := func(ctx context.Context, name string, user account.UserID, p account.Platform) {
				at := v.at(user)
				wg.Go(func() {
					var err error
					if p == "" {
						err = s.Drop(ctx, at, 999)
					} else {
						_, err = s.Login(ctx, at, session.Login{Platform: p})
					}
					mu.Lock()
					defer mu.Unlock()
					codes[name] = account.CodeOf(err)
				})
				synctest.Wait()
			}
			committing, cancelCommitting := context.WithCancel(t.Context())
			waiting, cancelWaiting := context.WithCancel(t.Context())
			defer cancelCommitting()
			defer cancelWaiting()
			begin(committing, "first", "a", account.Android)
			begin(t.Context(), "second", "b", account.Android)
			begin(t.Context(), "no device", "c", "")
			begin(t.Context(), "third", "d", account.Android)
			begin(t.Context(), "same account", "d", account.Web)
			begin(waiting, "gone", "e", account.Android)
			cancelCommitting()
			cancelWaiting()
			synctest.Wait()
			close(release)
			wg.Wait()
			for name, want := range map[string]account.Code{
				"first": account.Unknown, "second": account.OK, "no device": account.NoDevice, "third": account.OK, "same account": account.OK, "gone": account.Unavailable,
			} {
				if got := codes[name]; got != want {
					t.Errorf("%s: code %v, want %v", name, got, want)
				}
			}
			synctest.Wait()
			if got, want := strings.Join(announced, ", "), "a, b d, d"; got != want {
				t.Errorf("commits of %q, want %q", got, want)
			}
			devices := map[account.UserID]int{}
			for _, p := range v.list() {
				devices[p.User] = len(p.Devices)
			}
			if want := (map[account.UserID]int{"a": 1, "b": 1, "d": 2}); !maps.Equal(devices, want) {
				t.Errorf("devices %v, want %v", devices, want)
			}
		})
	})
}

// A jointEnv makes changes that share a commit: they wait behind one that is announced only
// when all of them have begun.
type jointEnv struct {
	*env
	s       *session.Sessions
	release chan struct{}
	wg      sync.WaitGroup
}

// begin begins fn and waits until it cannot go on.
func (j *jointEnv) begin(fn func()) {
	j.wg.Go(fn)
	synctest.Wait()
}

// joint runs a test in a bubble, with the options that are given.
func joint(t *testing.T, o session.Options, wrap func(account.Engine) account.Engine, test func(*jointEnv)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		run(t, anystore.Mem, false, func(v *env) {
			j := &jointEnv{env: v, release: make(chan struct{})}
			o.Records, o.Now, o.Real = records.New(wrap(v.e), nil), func(*account.App) time.Time { return v.now() }, v.now
			o.Announce = func(account.Event) { <-j.release }
			j.s = session.New(o)
			j.begin(func() {
				if _, err := j.s.Login(t.Context(), v.at("first"), session.Login{Platform: account.Web}); err != nil {
					t.Error(err)
				}
			})
			test(j)
			close(j.release)
			j.wg.Wait()
		})
	})
}

func asItIs(e account.Engine) account.Engine { return e }

// TestJointPanic lets one of two changes in a commit panic. Only its caller gets an error.
func TestJointPanic(t *testing.T) {
	ids := uint64(0)
	o := session.Options{NewID: func() uint64 {
		if ids++; ids == 2 {
			panic("that was asked for")
		}
		return ids
	}}
	joint(t, o, asItIs, func(j *jointEnv) {
		j.begin(func() {
			if _, err := j.s.Login(j.Context(), j.at("a"), session.Login{Platform: account.Web}); err == nil || !strings.Contains(err.Error(), "that was asked for\ngoroutine ") {
				j.Errorf("%v", err)
			}
		})
		j.begin(func() {
			if _, err := j.s.Login(j.Context(), j.at("b"), session.Login{Platform: account.Web}); err != nil {
				j.Error(err)
			}
		})
	})
}

// TestJointPanicAfter lets the report of a change panic, after its commit. The change is not
// made again.
func TestJointPanicAfter(t *testing.T) {
	run(t, anystore.Mem, true, func(v *env) {
		s := session.New(session.Options{
			Records: v.r, Now: func(*account.App) time.Time { return v.now() }, Real: v.now,
			Announce: func(account.Event) { panic("that was asked for") },
		})
		if _, err := s.Login(t.Context(), v.at("a"), session.Login{Platform: account.Web}); err == nil || !strings.Contains(err.Error(), "that was asked for") {
			t.Errorf("%v", err)
		}
		if all := v.list(); len(all) != 1 || len(all[0].Devices) != 1 || len(all[0].Replaced) != 0 {
			t.Errorf("%+v after a login", all)
		}
	})
}

// A damagedEngine cannot read the login sessions of the account "damaged".
type damagedEngine struct{ account.Engine }

func (e damagedEngine) RecordsAt(ctx context.Context, kind account.Kind, keys []string) ([]account.Record, error) {
	if slices.ContainsFunc(keys, func(key string) bool { return strings.HasSuffix(key, "/damaged") }) {
		return nil, &account.Error{Code: account.Internal, Detail: "damaged"}
	}
	return e.Engine.RecordsAt(ctx, kind, keys)
}

// TestJointDamaged joins a change of an account with damaged login sessions and another one.
func TestJointDamaged(t *testing.T) {
	joint(t, session.Options{}, func(e account.Engine) account.Engine { return damagedEngine{e} }, func(j *jointEnv) {
		for user, want := range map[account.UserID]account.Code{"a": account.OK, "damaged": account.Internal, "b": account.OK} {
			j.begin(func() {
				if _, err := j.s.Login(j.Context(), j.at(user), session.Login{Platform: account.Web}); account.CodeOf(err) != want {
					j.Errorf("%s: %v", user, err)
				}
			})
		}
	})
}

// TestJointAbandoned ends the context of a login while its change is being made. The race
// detector looks whether both use the result.
func TestJointAbandoned(t *testing.T) {
	run(t, anystore.Mem, true, func(v *env) {
		ctx, cancel := context.WithCancel(t.Context())
		made := make(chan struct{})
		s := session.New(session.Options{
			Records: v.r, Now: func(*account.App) time.Time { return v.now() }, Real: v.now,
			NewID: func() uint64 {
				cancel()
				time.Sleep(50 * time.Millisecond) // the login returns meanwhile
				return 1
			},
			Announce: func(account.Event) { close(made) },
		})
		if in, err := s.Login(ctx, v.at("a"), session.Login{Platform: account.Web}); account.CodeOf(err) != account.Unknown || in.Device.ID != 0 {
			t.Errorf("%+v, %v", in, err)
		}
		<-made
	})
}
