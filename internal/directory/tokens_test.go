package directory_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

func TestTokens(t *testing.T) {
	b := newBench(t, account.App{})
	want := account.Token{Name: "ci", Scopes: []account.Scope{account.ScopeWrite}, Expires: b.now.Add(time.Hour)}
	made, text, err := b.dir.CreateToken(t.Context(), "test", want)
	if err != nil {
		t.Fatal(err)
	}
	if !directory.ValidTokenText(text) || len(text) != 47 {
		t.Errorf("the text has %d characters", len(text))
	}
	got, err := b.dir.Authenticate(t.Context(), text)
	if err != nil || got.ID != made.ID || !got.Allows(account.ScopeRead) || got.Allows(account.ScopeAdmin) {
		t.Errorf("Authenticate = %+v, %v", got, err)
	}
	for _, wrong := range []string{"", text + "x", text[:46], strings.ToLower(text)} {
		if _, err := b.dir.Authenticate(t.Context(), wrong); account.CodeOf(err) != account.NoToken {
			t.Errorf("Authenticate(%q): %v, want NoToken", wrong, err)
		}
	}
	b.now = b.now.Add(time.Hour)
	if _, err := b.dir.Authenticate(t.Context(), text); account.CodeOf(err) != account.NoToken {
		t.Errorf("Authenticate after its expiry: %v, want NoToken", err)
	}
	if err := b.dir.DeleteToken(t.Context(), "test", made.ID); err != nil {
		t.Error(err)
	}
}

func TestTokenRefused(t *testing.T) {
	b := newBench(t, account.App{})
	read := []account.Scope{account.ScopeRead}
	for name, token := range map[string]account.Token{
		"no name":     {Scopes: read},
		"long name":   {Name: strings.Repeat("x", 65), Scopes: read},
		"a line feed": {Name: "a\nb", Scopes: read},
		"no scope":    {Name: "a"},
		"unknown":     {Name: "a", Scopes: []account.Scope{"root"}},
		"twice":       {Name: "a", Scopes: append(read, read...)},
		"expired":     {Name: "a", Scopes: read, Expires: b.now.Add(-time.Second)},
		"the server":  {Name: directory.ServerActor, Scopes: read},
		"bootstrap":   {Name: directory.BootstrapToken, Scopes: read},
	} {
		if _, text, err := b.dir.CreateToken(t.Context(), "test", token); account.CodeOf(err) != account.BadParameter || text != "" {
			t.Errorf("%s: %v, want BadParameter", name, err)
		}
	}
}

// fill stores n copies of token with different ids and texts. The limit does not apply.
func fill(t *testing.T, r *records.Registry, n int, token account.Token) {
	t.Helper()
	for range n {
		token.ID = rand.Text()
		token.Hash = account.HashToken(token.ID)
		if err := r.CreateToken(t.Context(), token, account.AuditEntry{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTokenLimit(t *testing.T) {
	b := newBench(t, account.App{})
	token := account.Token{Name: "a", Scopes: []account.Scope{account.ScopeRead}}
	fill(t, b.registry, account.MaxTokens-1, token)
	if _, _, err := b.dir.CreateToken(t.Context(), "test", token); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.dir.CreateToken(t.Context(), "test", token); account.CodeOf(err) != account.Conflict {
		t.Errorf("one token more: %v, want Conflict", err)
	}
}

// TestExpiredTokensMakeRoom creates a token when the number of tokens has reached the limit
// and some have expired. Each expired token is deleted, with an entry in the audit trail.
func TestExpiredTokensMakeRoom(t *testing.T) {
	b := newBench(t, account.App{})
	read := []account.Scope{account.ScopeRead}
	const expiring = 3
	fill(t, b.registry, expiring, account.Token{Name: "a", Scopes: read, Expires: b.now.Add(time.Minute)})
	fill(t, b.registry, account.MaxTokens-expiring, account.Token{Name: "a", Scopes: read})
	b.now = b.now.Add(time.Minute)
	caller := directory.WithToken(t.Context(), "caller")
	if _, _, err := b.dir.CreateToken(caller, "test", account.Token{Name: "b", Scopes: read}); err != nil {
		t.Errorf("CreateToken: %v", err)
	}
	if err := b.dir.AdoptToken(t.Context(), directory.BootstrapToken, directory.NewTokenText(), 0); err != nil {
		t.Errorf("AdoptToken: %v", err)
	}
	if ts, err := b.dir.Tokens(t.Context()); err != nil || len(ts) != account.MaxTokens-expiring+2 {
		t.Errorf("%d tokens, %v", len(ts), err)
	}
	es, err := b.dir.Audit(t.Context(), account.AuditQuery{Limit: expiring + 2})
	if err != nil {
		t.Fatal(err)
	}
	if e := es[1]; e.Action != "token.create" || e.TokenID != "caller" {
		t.Errorf("audit entry %+v, want that of the caller's token", e)
	}
	for _, e := range es[2:] {
		if e.Action != "token.expire" || e.Actor != directory.ServerActor || e.TokenID != "" {
			t.Errorf("audit entry %+v", e)
		}
	}
}

// A slowList returns each list of records with a delay.
type slowList struct{ account.Engine }

func (s slowList) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	page, err := s.Engine.Records(ctx, q)
	time.Sleep(time.Second) // of a synctest bubble
	return page, err
}

// TestTokenLimitConcurrent creates tokens in concurrent calls. They must not exceed the
// limit.
func TestTokenLimitConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(mem.Store)
		quick, slow := directory.New(directory.Options{Engine: store}), directory.New(directory.Options{Engine: slowList{store}})
		token := account.Token{Name: "a", Scopes: []account.Scope{account.ScopeRead}}
		fill(t, records.New(store, nil), account.MaxTokens-2, token)
		var refused atomic.Int32
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, _, err := slow.CreateToken(t.Context(), "test", token); account.CodeOf(err) == account.Conflict {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		ended, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, _, err := slow.CreateToken(ended, "test", token); account.CodeOf(err) != account.Unavailable {
			t.Errorf("a call whose context ends while it waits: %v, want Unavailable", err)
		}
		wg.Wait()
		if ts, err := quick.Tokens(t.Context()); err != nil || len(ts) != account.MaxTokens || refused.Load() != 3 {
			t.Errorf("%d tokens, %d refused, %v", len(ts), refused.Load(), err)
		}
	})
}

// TestAdoptToken checks that an adopted token replaces the token with the same name, and
// that adopting the same text again changes nothing.
func TestAdoptToken(t *testing.T) {
	b := newBench(t, account.App{})
	first, second := directory.NewTokenText(), directory.NewTokenText()
	for _, text := range []string{first, first, second} {
		if err := b.dir.AdoptToken(t.Context(), directory.ContextToken, text, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.dir.Authenticate(t.Context(), first); account.CodeOf(err) != account.NoToken {
		t.Errorf("the first token: %v, want NoToken", err)
	}
	if token, err := b.dir.Authenticate(t.Context(), second); err != nil || !token.Allows(account.ScopeAdmin) {
		t.Errorf("the second token: %+v, %v", token, err)
	}
	es, err := b.dir.Audit(t.Context(), account.AuditQuery{Limit: 10})
	if err != nil || len(es) != 4 { // app.create, create, delete, create
		t.Errorf("%d entries, %v: %+v", len(es), err, es)
	}
}

// TestAdoptTokens adopts more tokens with one name than are kept. The newest ones remain.
func TestAdoptTokens(t *testing.T) {
	b := newBench(t, account.App{})
	var texts []string
	for range 5 {
		b.now = b.now.Add(time.Second)
		texts = append(texts, directory.NewTokenText())
		if err := b.dir.AdoptToken(t.Context(), directory.ContextToken, texts[len(texts)-1], 2); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range texts {
		if _, err := b.dir.Authenticate(t.Context(), text); (err == nil) != (i >= 2) {
			t.Errorf("token %d of 5: %v", i+1, err)
		}
	}
}

// TestReservedTokensAboveLimit adopts tokens with reserved names when there are more other
// tokens than the limit allows. A start must not fail because of them.
func TestReservedTokensAboveLimit(t *testing.T) {
	engine := new(mem.Store)
	fill(t, records.New(engine, nil), account.MaxTokens+1, account.Token{Name: "old"})
	dir := directory.New(directory.Options{Engine: engine})
	for _, name := range []string{directory.BootstrapToken, directory.ContextToken} {
		if err := dir.AdoptToken(t.Context(), name, directory.NewTokenText(), 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	token := account.Token{Name: "new", Scopes: []account.Scope{account.ScopeRead}}
	if _, _, err := dir.CreateToken(t.Context(), "test", token); account.CodeOf(err) != account.Conflict {
		t.Errorf("one token more: %v, want Conflict", err)
	}
}

// TestTokensOfNodes runs each operation on two nodes of a store, which both have cached the
// state before it. The second node must not fail because of what the first one has done.
func TestTokensOfNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(mem.Store)
		now := time.Now()
		nodes := []*directory.Directory{
			directory.New(directory.Options{Engine: store}),
			directory.New(directory.Options{Engine: store.Handle(account.MaxStale)}),
		}
		read := []account.Scope{account.ScopeRead}
		fill(t, records.New(store, nil), 1, account.Token{Name: "a", Scopes: read, Expires: now.Add(time.Minute)})
		fill(t, records.New(store, nil), account.MaxTokens-1, account.Token{Name: "a", Scopes: read})
		time.Sleep(time.Minute)
		create := func(d *directory.Directory) error {
			_, _, err := d.CreateToken(t.Context(), "test", account.Token{Name: "b", Scopes: read})
			return err
		}
		adopt := func(text string) func(*directory.Directory) error {
			return func(d *directory.Directory) error {
				return d.AdoptToken(t.Context(), directory.BootstrapToken, text, 0)
			}
		}
		drop := func(d *directory.Directory) error { return d.DropToken(t.Context(), directory.BootstrapToken) }
		first, second := directory.NewTokenText(), directory.NewTokenText()
		for i, do := range []func(*directory.Directory) error{create, adopt(first), adopt(second), drop, adopt(second)} {
			time.Sleep(account.MaxStale)
			for _, d := range nodes { // they cache the state before the step
				if _, err := d.Tokens(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for n, d := range nodes {
				if err := do(d); err != nil {
					t.Errorf("step %d on node %d: %v", i, n, err)
				}
			}
		}
		time.Sleep(account.MaxStale)
		for n, d := range nodes {
			if token, err := d.Authenticate(t.Context(), second); err != nil || token.Name != directory.BootstrapToken {
				t.Errorf("node %d: %+v, %v", n, token, err)
			}
		}
		if err := records.New(store, nil).CreateToken(t.Context(), account.Token{ID: "taken", Name: "b", Hash: account.HashToken(first)}, account.AuditEntry{}); err != nil {
			t.Fatal(err)
		}
		if err := adopt(first)(nodes[0]); account.CodeOf(err) != account.Exists {
			t.Errorf("adoption of the text of another token: %v, want Code exists", err)
		}
	})
}
