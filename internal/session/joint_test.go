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

// TestJointPanic lets a change panic. Its caller gets an error, and later changes work.
func TestJointPanic(t *testing.T) {
	run(t, anystore.Mem, true, func(v *env) {
		ids := 0
		s := session.New(session.Options{Records: v.r, Now: func(*account.App) time.Time { return v.now() }, Real: v.now, NewID: func() uint64 {
			if ids++; ids == 1 {
				panic("that was asked for")
			}
			return uint64(ids)
		}})
		if _, err := s.Login(t.Context(), v.at("a"), session.Login{Platform: account.Web}); err == nil || !strings.Contains(err.Error(), "that was asked for") {
			t.Errorf("%v", err)
		}
		if _, err := s.Login(t.Context(), v.at("a"), session.Login{Platform: account.Web}); err != nil {
			t.Error(err)
		}
	})
}
