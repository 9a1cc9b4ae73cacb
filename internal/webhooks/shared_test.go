package webhooks_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/checked"
	"rollcall/internal/testutil/anystore"
)

// TestSharedStore lets two servers of one database, of which one delivers, change accounts,
// and stops the one that delivers. The other one takes over; nothing is lost and the order of
// each account is kept.
func TestSharedStore(t *testing.T) {
	dir, to := t.TempDir(), &receiver{}
	var mu sync.Mutex
	var accepted []request
	to.answer = func(_ int, r request) *http.Response {
		if rand.IntN(2) == 0 {
			return answer(500)
		}
		mu.Lock()
		defer mu.Unlock()
		accepted = append(accepted, r)
		return answer(200)
	}
	var servers []*bench
	for i := range 2 {
		e := checked.New(anystore.OpenDir(t, anystore.Postgres, dir))
		b := benchOn(t, e, to, fmt.Sprint("node-", i))
		b.s.Quicken(20 * time.Millisecond)
		b.s.SetLease(100*time.Millisecond, time.Second)
		servers = append(servers, b)
		defer func() { _ = e.Close() }()
	}
	a, b := servers[0], servers[1]
	a.set(reliable)
	a.imports(ids(10)...)
	b.waitFor("the webhook on the other server", func() bool { return b.s.Keeps(app, "changed") })
	stopA := a.run()
	a.waitFor("the lease", func() bool { l, err := a.registry.WebhookLease(t.Context()); return err == nil && l.Node == "node-0" })
	stopB := b.run()
	defer stopB()
	const rounds = 20
	for i := range rounds {
		if i == rounds/2 {
			stopA() // after that only its changes go on
		}
		for k, id := range ids(10) {
			servers[(i+k)%2].nick(id, fmt.Sprintf("%03d", i))
		}
	}
	b.waitFor("all deliveries", func() bool { return b.deliveries().Waiting == 0 })
	mu.Lock()
	defer mu.Unlock()
	checkOrder(t, accepted, 10*rounds)
	if l, err := b.registry.WebhookLease(t.Context()); err != nil || l.Node != "node-1" {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestLeaseLost checks that a server whose lease another one has taken stops, and that a
// holder that dies is replaced.
func TestLeaseLost(t *testing.T) {
	e := checked.New(anystore.OpenDir(t, anystore.Postgres, t.TempDir()))
	defer func() { _ = e.Close() }()
	b := benchOn(t, e, &receiver{}, "node-0")
	b.s.Quicken(20 * time.Millisecond)
	b.s.SetLease(50*time.Millisecond, 500*time.Millisecond)
	dead, err := b.registry.WebhookLease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.registry.TakeWebhookLease(t.Context(), dead, "dead", time.Now()); err != nil {
		t.Fatal(err)
	}
	b.set(reliable)
	b.imports("alice")
	b.nick("alice", "1")
	begin := time.Now()
	defer b.run()()
	b.waitFor("the delivery", func() bool { return b.deliveries().Waiting == 0 })
	if took := time.Since(begin); took < 500*time.Millisecond {
		t.Errorf("the lease of another server was taken after %v", took)
	}
	l, err := b.registry.WebhookLease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for { // the holder renews it meanwhile
		_, err = b.registry.TakeWebhookLease(t.Context(), l, "thief", time.Now())
		if account.CodeOf(err) != account.Stale {
			break
		}
		if l, err = b.registry.WebhookLease(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	b.nick("alice", "3")
	b.waitFor("another takeover", func() bool {
		l, err := b.registry.WebhookLease(t.Context())
		return err == nil && l.Node == "node-0" && b.deliveries().Waiting == 0
	})
}
