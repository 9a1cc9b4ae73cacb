package directory_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// token creates a token with the scope read and returns it with its text.
func (b *bench) token(name string, expires time.Time) (*account.Token, string) {
	b.Helper()
	token, text, err := b.dir.CreateToken(b.Context(), "test", account.Token{Name: name, Scopes: []account.Scope{account.ScopeRead}, Expires: expires})
	if err != nil {
		b.Fatal(err)
	}
	testutil.Secret(b, text)
	return token, text
}

func (b *bench) startSession(text string) (string, time.Time) {
	b.Helper()
	secret, expires, err := b.dir.StartSession(b.Context(), text)
	if err != nil {
		b.Fatal(err)
	}
	testutil.Secret(b, secret)
	return secret, expires
}

// wantSession checks that a session is that of a token, or has ended if the id is "".
func (b *bench) wantSession(what, secret, id string) {
	b.Helper()
	token, err := b.dir.Session(b.Context(), secret)
	switch {
	case id == "":
		if account.CodeOf(err) != account.NoToken || token != nil {
			b.Errorf("%s: %+v, %v; want NoToken", what, token, err)
		}
	case err != nil || token.ID != id:
		b.Errorf("%s: %+v, %v; want the token %s", what, token, err, id)
	}
}

func (b *bench) newestEntry() account.AuditEntry {
	b.Helper()
	es, err := b.dir.Audit(b.Context(), account.AuditQuery{Limit: 1})
	if err != nil || len(es) != 1 {
		b.Fatalf("%d entries, %v", len(es), err)
	}
	return es[0]
}

func TestSession(t *testing.T) {
	b := newBench(t, account.App{})
	token, text := b.token("ci", time.Time{})
	secret, expires := b.startSession(text)
	if want := account.Millis(b.now).Add(12 * time.Hour); !expires.Equal(want) {
		t.Errorf("the session expires at %v, want %v", expires, want)
	}
	if len(secret) != 47 || strings.Contains(secret, text) {
		t.Errorf("the secret has %d characters", len(secret))
	}
	start := b.newestEntry()
	if start.Action != "session.start" || start.Actor != "ci" || start.TokenID != token.ID || strings.Contains(start.Detail, secret[4:]) {
		t.Errorf("audit entry %+v", start)
	}
	b.wantSession("a new session", secret, token.ID)
	for _, wrong := range []string{"", text, secret + "x", secret[:46], strings.ToLower(secret), directory.NewTokenText(), records.SessionKey(secret), strings.Repeat("x", 1<<20)} {
		b.wantSession("a wrong secret", wrong, "")
		if err := b.dir.EndSession(t.Context(), wrong); err != nil {
			t.Errorf("EndSession of none: %v", err)
		}
	}
	if _, err := b.dir.Authenticate(t.Context(), secret); account.CodeOf(err) != account.NoToken {
		t.Errorf("Authenticate with the secret of a session: %v, want NoToken", err)
	}
	if e := b.newestEntry(); e != start {
		t.Errorf("audit entry %+v without a change", e)
	}
	if err := b.dir.EndSession(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	end := b.newestEntry()
	if end.Action != "session.end" || end.Actor != "ci" || end.TokenID != token.ID || !strings.HasPrefix(start.Detail, end.Detail+" ") {
		t.Errorf("audit entry %+v after %+v", end, start)
	}
	b.wantSession("a session after its end", secret, "")
	if err := b.dir.EndSession(t.Context(), secret); err != nil || b.newestEntry() != end {
		t.Errorf("EndSession again: %v, %+v", err, b.newestEntry())
	}
}

func TestSessionRefused(t *testing.T) {
	b := newBench(t, account.App{})
	_, expiring := b.token("expiring", b.now.Add(time.Hour))
	b.now = b.now.Add(time.Hour)
	for _, text := range []string{"", "rct_", directory.NewTokenText(), expiring} {
		if secret, _, err := b.dir.StartSession(t.Context(), text); account.CodeOf(err) != account.NoToken || secret != "" {
			t.Errorf("StartSession(%q): %v, want NoToken", text, err)
		}
	}
}

// TestSessionExpires lets sessions expire: one after its lifetime, the other with its token.
func TestSessionExpires(t *testing.T) {
	b := newBench(t, account.App{})
	lasting, lastingText := b.token("lasting", time.Time{})
	brief, briefText := b.token("brief", b.now.Add(time.Hour))
	long, _ := b.startSession(lastingText)
	short, expires := b.startSession(briefText)
	if !expires.Equal(brief.Expires) {
		t.Errorf("the session expires at %v, its token at %v", expires, brief.Expires)
	}
	b.now = brief.Expires.Add(-time.Millisecond)
	b.wantSession("before the expiry of the token", short, brief.ID)
	b.now = brief.Expires
	b.wantSession("after the expiry of the token", short, "")
	b.now = account.Millis(time.Date(2026, 5, 6, 19, 8, 9, 122_000_000, time.UTC))
	b.wantSession("a millisecond before the end", long, lasting.ID)
	b.now = b.now.Add(time.Millisecond)
	b.wantSession("at the end", long, "")
	if ss, err := b.registry.Sessions(t.Context()); err != nil || len(ss) != 2 {
		t.Errorf("%d sessions, %v", len(ss), err)
	}
	b.startSession(lastingText)
	if ss, err := b.registry.Sessions(t.Context()); err != nil || len(ss) != 1 {
		t.Errorf("%d sessions after the start of another one, %v", len(ss), err)
	}
	if e := b.newestEntry(); strings.Contains(e.Detail, "oldest") {
		t.Errorf("audit entry %+v, want none of the expired sessions", e)
	}
}

// TestSessionEndsWithToken deletes the token of a session. A new token with the same text does
// not revive the session.
func TestSessionEndsWithToken(t *testing.T) {
	b := newBench(t, account.App{})
	text := directory.NewTokenText()
	adopt := func() {
		if err := b.dir.AdoptToken(t.Context(), directory.BootstrapToken, text, 0); err != nil {
			t.Fatal(err)
		}
	}
	adopt()
	secret, _ := b.startSession(text)
	adopt() // as after a restart of the server
	if _, err := b.dir.Session(t.Context(), secret); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := b.dir.DropToken(t.Context(), directory.BootstrapToken); err != nil {
		t.Fatal(err)
	}
	b.wantSession("without its token", secret, "")
	if err := b.dir.EndSession(t.Context(), secret); err != nil {
		t.Errorf("EndSession without a token: %v", err)
	}
	adopt()
	b.wantSession("with a new token of the same text", secret, "")
}

// TestSessionOutlivesToken reads a session whose record says that it ends after its token.
func TestSessionOutlivesToken(t *testing.T) {
	b := newBench(t, account.App{})
	token, _ := b.token("brief", b.now.Add(time.Hour))
	secret := "rcs_" + directory.NewTokenText()[4:]
	s := records.Session{Key: records.SessionKey(secret), Token: token.Hash, TokenID: token.ID, Created: b.now, Expires: b.now.Add(2 * time.Hour)}
	if err := b.registry.CreateSession(t.Context(), s, nil, account.AuditEntry{}); err != nil {
		t.Fatal(err)
	}
	b.wantSession("before the expiry of the token", secret, token.ID)
	b.now = token.Expires
	b.wantSession("after the expiry of the token", secret, "")
}

// fillSessions stores n sessions, each a second older than the one before it. It returns
// their keys.
func (b *bench) fillSessions(n int, expires time.Time) (keys []string) {
	b.Helper()
	for i := range n {
		s := records.Session{
			Key:     records.SessionKey(fmt.Sprint(expires, i)),
			Created: b.now.Add(-time.Duration(i+1) * time.Second), Expires: expires,
		}
		if err := b.registry.CreateSession(b.Context(), s, nil, account.AuditEntry{}); err != nil {
			b.Fatal(err)
		}
		keys = append(keys, s.Key)
	}
	return keys
}

// stored reports which of the sessions with some keys are stored.
func (b *bench) stored(keys []string) (n int) {
	for _, key := range keys {
		if _, err := b.registry.Session(b.Context(), key); err == nil {
			n++
		}
	}
	return n
}

// TestSessionLimit starts sessions when there are as many as there may be. The oldest ones
// give way, and expired ones before them.
func TestSessionLimit(t *testing.T) {
	b := newBench(t, account.App{})
	token, text := b.token("ci", time.Time{})
	active := b.fillSessions(directory.MaxSessions-10, b.now.Add(time.Hour))
	expired := b.fillSessions(10, b.now)
	first, _ := b.startSession(text)
	if n, old := b.stored(active), b.stored(expired); n != len(active) || old != 0 {
		t.Errorf("%d active sessions and %d expired ones are left", n, old)
	}
	b.fillSessions(12, b.now.Add(2*time.Hour)) // three too many
	last, _ := b.startSession(text)
	if e := b.newestEntry(); !strings.Contains(e.Detail, "; the 4 oldest of 1003 sessions end") {
		t.Errorf("audit entry %+v", e)
	}
	if n := b.stored(active[:len(active)-4]); n != len(active)-4 || b.stored(active) != n {
		t.Errorf("%d of %d sessions are left, %d of them newer", b.stored(active), len(active), n)
	}
	b.wantSession("the first session", first, token.ID)
	b.wantSession("the last session", last, token.ID)
	if ss, err := b.registry.Sessions(t.Context()); err != nil || len(ss) != directory.MaxSessions {
		t.Errorf("%d sessions, %v", len(ss), err)
	}
}

// TestManyExpiredSessions starts a session when more have expired than one commit can end.
func TestManyExpiredSessions(t *testing.T) {
	b := newBench(t, account.App{})
	_, text := b.token("ci", time.Time{})
	b.fillSessions(records.MaxEnded+1, b.now)
	for _, want := range []int{2, 2} {
		b.startSession(text)
		if ss, err := b.registry.Sessions(t.Context()); err != nil || len(ss) != want {
			t.Errorf("%d sessions, %v; want %d", len(ss), err, want)
		}
	}
}

// TestSessionsConcurrent starts, uses and ends sessions in concurrent calls.
func TestSessionsConcurrent(t *testing.T) {
	b := newBench(t, account.App{})
	token, text := b.token("ci", time.Time{})
	b.fillSessions(directory.MaxSessions-1, b.now.Add(time.Hour))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			secret, _, err := b.dir.StartSession(t.Context(), text)
			if err != nil {
				t.Error(err)
				return
			}
			b.wantSession("a session", secret, token.ID)
			if err := b.dir.EndSession(t.Context(), secret); err != nil {
				t.Error(err)
			}
			b.wantSession("a session after its end", secret, "")
		})
	}
	wg.Wait()
	if ss, err := b.registry.Sessions(t.Context()); err != nil || len(ss) >= directory.MaxSessions {
		t.Errorf("%d sessions, %v", len(ss), err)
	}
}

// TestSessionsOfNodes uses sessions at a node that sees the changes of the other one late.
func TestSessionsOfNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(mem.Store)
		here := directory.New(directory.Options{Engine: store})
		there := directory.New(directory.Options{Engine: store.Handle(account.MaxStale)})
		check := func(what string, secret string, want account.Code) {
			t.Helper()
			if _, err := there.Session(t.Context(), secret); account.CodeOf(err) != want {
				t.Errorf("%s: %v, want Code %v", what, err, want)
			}
		}
		text := directory.NewTokenText()
		start := func() string {
			t.Helper()
			check("a secret of nobody", "rcs_"+directory.NewTokenText()[4:], account.NoToken)
			if _, err := there.Tokens(t.Context()); err != nil { // it has cached both kinds
				t.Fatal(err)
			}
			if err := here.AdoptToken(t.Context(), directory.BootstrapToken, text, 0); err != nil {
				t.Fatal(err)
			}
			secret, _, err := here.StartSession(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			check("a session of a new token at once", secret, account.OK)
			return secret
		}
		first := start()
		time.Sleep(account.MaxStale)
		check("a session of a known token", first, account.OK)
		if err := here.DropToken(t.Context(), directory.BootstrapToken); err != nil {
			t.Fatal(err)
		}
		second := start() // the other node has cached the first token with the text
		check("the first session while the end of its token is unknown", first, account.OK)
		time.Sleep(account.MaxStale)
		check("the first session", first, account.NoToken)
		check("the second session", second, account.OK)
		for _, d := range []*directory.Directory{here, there} { // which has cached it
			if err := d.EndSession(t.Context(), second); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(account.MaxStale)
		check("the second session after its end", second, account.NoToken)
		if es, err := here.Audit(t.Context(), account.AuditQuery{Limit: 2}); err != nil || es[0].Action != "session.end" || es[1].Action == "session.end" {
			t.Errorf("entries %+v, %v; want one end", es, err)
		}
	})
}

// TestSessionUnavailable uses sessions while the store fails. The error is not NoToken, which
// would end a log-in.
func TestSessionUnavailable(t *testing.T) {
	b := newBench(t, account.App{})
	_, text := b.token("ci", time.Time{})
	secret, _ := b.startSession(text)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.dir.Session(ended, secret); account.CodeOf(err) != account.Unavailable {
		t.Errorf("Session: %v, want Unavailable", err)
	}
	if _, _, err := b.dir.StartSession(ended, text); account.CodeOf(err) != account.Unavailable {
		t.Errorf("StartSession: %v, want Unavailable", err)
	}
	if err := b.dir.EndSession(ended, secret); account.CodeOf(err) != account.Unavailable {
		t.Errorf("EndSession: %v, want Unavailable", err)
	}
}
