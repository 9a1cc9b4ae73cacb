package records_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

// session returns a session with the given secret.
func session(secret string) records.Session {
	return records.Session{
		Key: records.SessionKey(secret), Token: account.HashToken("text"), TokenID: "00000001",
		Created: now, Expires: now.Add(time.Hour),
	}
}

func (v *env) createSession(s records.Session, ended ...string) {
	v.Helper()
	if err := v.r.CreateSession(v.Context(), s, ended, by("session.start")); err != nil {
		v.Fatalf("CreateSession: %v", err)
	}
}

func (v *env) sessions() []*records.Session {
	v.Helper()
	ss, err := v.r.Sessions(v.Context())
	if err != nil {
		v.Fatalf("Sessions: %v", err)
	}
	return ss
}

func TestSessions(t *testing.T) {
	each(t, func(v *env) {
		v.equal("sessions of nothing", v.sessions(), []*records.Session(nil))
		first, second := session("first"), session("second")
		second.Expires = now.Add(-time.Hour) // package records does not check it
		v.createSession(first)
		v.createSession(second)
		want := []*records.Session{&first, &second}
		slices.SortFunc(want, func(a, b *records.Session) int { return cmp.Compare(a.Key, b.Key) })
		v.equal("sessions", v.sessions(), want)
		for _, s := range want {
			got, err := v.r.Session(v.Context(), s.Key)
			v.code("Session", err, account.OK)
			v.equal("session", got, s)
		}
		_, err := v.r.Session(v.Context(), records.SessionKey("other"))
		v.code("Session of none", err, account.NoToken)
		v.code("CreateSession with a known key", v.r.CreateSession(v.Context(), first, []string{second.Key}, by("session.start")), account.Exists)
		v.equal("sessions after a refusal", v.sessions(), want)
		v.equal("entries", len(v.audit(account.AuditQuery{Limit: 10})), 2)
	})
}

func TestDeleteSession(t *testing.T) {
	each(t, func(v *env) {
		one, other := session("one"), session("other")
		v.createSession(one)
		v.createSession(other)
		v.code("DeleteSession", v.r.DeleteSession(v.Context(), one.Key, by("session.end")), account.OK)
		v.code("DeleteSession again", v.r.DeleteSession(v.Context(), one.Key, by("session.end")), account.NoToken)
		_, err := v.r.Session(v.Context(), one.Key)
		v.code("Session after its end", err, account.NoToken)
		v.equal("sessions", v.sessions(), []*records.Session{&other})
		var got []string
		for _, e := range v.audit(account.AuditQuery{Limit: 10}) {
			got = append(got, fmt.Sprint(e.Action, " ", e.App))
		}
		v.equal("trail", got, []string{"session.end 0", "session.start 0", "session.start 0"})
	})
}

// TestSessionsEnded ends as many sessions as one commit may, and some that do not exist, when
// another one starts.
func TestSessionsEnded(t *testing.T) {
	each(t, func(v *env) {
		var ended []string
		for i := range records.MaxEnded {
			s := session(fmt.Sprint(i))
			if i%100 == 0 { // the others do not exist
				v.createSession(s)
			}
			ended = append(ended, s.Key)
		}
		last := session("last")
		v.createSession(last, ended...)
		v.equal("sessions", v.sessions(), []*records.Session{&last})
	})
}

// TestSessionEndedOnce ends a session in concurrent calls. The audit trail has one entry.
func TestSessionEndedOnce(t *testing.T) {
	each(t, func(v *env) {
		s := session("secret")
		v.createSession(s)
		var ended atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := v.r.DeleteSession(v.Context(), s.Key, by("session.end")); account.CodeOf(err) {
				case account.OK:
					ended.Add(1)
				case account.NoToken:
				default:
					v.Errorf("DeleteSession: %v", err)
				}
			})
		}
		wg.Wait()
		v.equal("calls that have ended it", ended.Load(), int32(1))
		v.equal("entries", len(v.audit(account.AuditQuery{Limit: 20})), 2)
	})
}

// TestSessionOfOtherNode looks up a session at once at a node that reports the changes of
// others late.
func TestSessionOfOtherNode(t *testing.T) {
	store := new(mem.Store)
	here, there := newEnv(t, store), newEnv(t, store.Handle(account.MaxStale))
	there.equal("sessions before", there.sessions(), []*records.Session(nil)) // it caches them
	s := session("secret")
	here.createSession(s)
	got, err := there.r.Session(t.Context(), s.Key)
	there.code("Session", err, account.OK)
	there.equal("session", got, &s)
}

// TestSessionRestart reads a session after a restart of the store.
func TestSessionRestart(t *testing.T) {
	for name, open := range engines {
		if name == "mem" || name == "late" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir, s := t.TempDir(), session("secret")
			for i := range 2 {
				v := newEnv(t, open(t, dir))
				if i == 0 {
					v.createSession(s)
				}
				got, err := v.r.Session(t.Context(), s.Key)
				v.code("Session", err, account.OK)
				v.equal("session", got, &s)
				if err := v.e.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
