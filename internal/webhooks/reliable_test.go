package webhooks_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
	"rollcall/internal/webhooks"
	"rollcall/webhook"
)

var reliable = adminapi.NewWebhook{Mode: "reliable"}

// TestReliableRequest checks the headers of a request with the specification's own library,
// and that an event that is delivered leaves the outbox.
func TestReliableRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		secret := b.set(adminapi.NewWebhook{Mode: "reliable", Token: new("token")}).NewSecret
		b.imports("alice")
		b.nick("alice", "A") // before the server runs
		if d := b.deliveries(); d.Waiting != 1 || d.Oldest.IsZero() {
			t.Errorf("%+v", d)
		}
		defer b.run()()
		time.Sleep(time.Second)
		got := b.receiver.requests()
		if len(got) != 1 {
			t.Fatalf("%d requests", len(got))
		}
		if !strings.Contains(got[0].url, "&Sign=") || !strings.HasPrefix(got[0].header.Get(webhook.HeaderID), "evt_1400000001_") {
			t.Errorf("%s %v", got[0].url, got[0].header)
		}
		if err := webhook.VerifyStandard(secret, got[0].header, []byte(got[0].body), time.Now()); err != nil {
			t.Error(err)
		}
		lib, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := lib.VerifyIgnoringTimestamp([]byte(got[0].body), got[0].header); err != nil {
			t.Error(err)
		}
		if d := b.deliveries(); d.Waiting != 0 || len(d.Attempts) != 1 || d.Attempts[0].ID != got[0].header.Get(webhook.HeaderID) {
			t.Errorf("%+v", d)
		}
	})
}

// TestSecretChanged checks that both secrets sign for a day after a change.
func TestSecretChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		first := b.set(reliable).NewSecret
		second := b.set(adminapi.NewWebhook{Mode: "reliable", Secret: new("")}).NewSecret
		b.set(reliable) // which changes no secret
		b.s.PollSeldom()
		defer b.run()()
		b.imports("alice")
		for i, old := range []bool{true, false} {
			b.nick("alice", fmt.Sprint(i))
			time.Sleep(time.Second)
			r := b.receiver.requests()[i]
			for _, secret := range []string{first, second} {
				err := webhook.VerifyStandard(secret, r.header, []byte(r.body), time.Now())
				if (err == nil) != (secret == second || old) {
					t.Errorf("event %d: %v", i, err)
				}
			}
			time.Sleep(24 * time.Hour)
		}
	})
}

// TestSchedule checks the times of the attempts of an event that is never accepted, their
// ids, and its end as a dead letter. A later event of the account comes after it, and those of
// others do not wait.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(_ int, r request) *http.Response {
			if nickOf(r) == "bad" {
				return answer(500)
			}
			return answer(204)
		}
		b.set(reliable)
		defer b.run()()
		b.imports("alice", "bob")
		begin := time.Now()
		b.nick("alice", "bad")
		b.nick("alice", "next")
		b.nick("bob", "bob")
		time.Sleep(25 * time.Hour)
		var bad []time.Duration
		var next time.Duration
		idsSeen := map[string]bool{}
		for _, r := range b.receiver.requests() {
			switch nickOf(r) {
			case "bad":
				bad = append(bad, r.at.Sub(begin))
				idsSeen[r.header.Get(webhook.HeaderID)] = true
			case "next":
				next = r.at.Sub(begin)
			case "bob":
				if r.at.Sub(begin) > time.Second {
					t.Errorf("bob waited %v", r.at.Sub(begin))
				}
			}
		}
		delays := []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour}
		if len(bad) != len(delays)+1 || len(idsSeen) != 1 {
			t.Fatalf("%d attempts with %d ids, want %d with one: %v", len(bad), len(idsSeen), len(delays)+1, bad)
		}
		for i := 1; i < len(delays); i++ {
			if d := bad[i] - bad[i-1]; d < delays[i] || d > delays[i]*12/10+time.Second {
				t.Errorf("attempt %d comes %v after the one before, want %v and up to a fifth more", i, d, delays[i])
			}
		}
		if last := bad[len(bad)-1]; last < 24*time.Hour || last > 24*time.Hour+time.Second || next < last || next > last+time.Second {
			t.Errorf("the last attempt comes after %v, and the next event after %v", last, next)
		}
		d := b.deliveries()
		if d.Waiting != 0 || len(d.DeadLetters) != 1 || !idsSeen[d.DeadLetters[0].ID] || d.DeadLetters[0].UserID != "alice" || d.DeadLetters[0].Reason != "the receiver answered HTTP 500, not 2xx" {
			t.Errorf("%+v", d.DeadLetters)
		}
		if b.count.of("reliable dead") != 1 || b.count.of("reliable failed") != 7 || b.count.of("reliable delivered") != 2 || b.count.of("sent true") != 2 || b.count.of("sent false") != 8 {
			t.Errorf("%v", b.count.n)
		}

		b.receiver.respond(nil)
		n, err := b.s.ReplayWebhooks(t.Context(), "test", app, []string{d.DeadLetters[0].ID})
		if err != nil || n != 1 {
			t.Fatalf("Replay: %d, %v", n, err)
		}
		time.Sleep(time.Second)
		last := b.receiver.requests()
		if r := last[len(last)-1]; nickOf(r) != "bad" || !idsSeen[r.header.Get(webhook.HeaderID)] {
			t.Errorf("the replay sent %+v", r)
		}
		if d := b.deliveries(); len(d.DeadLetters)+d.Waiting != 0 {
			t.Errorf("%+v", d)
		}
		_, err = b.s.ReplayWebhooks(t.Context(), "test", app, []string{d.DeadLetters[0].ID})
		if account.CodeOf(err) != account.Conflict {
			t.Errorf("a replay of what is gone: %v", err)
		}
		_, err = b.s.ReplayWebhooks(t.Context(), "test", app, []string{"evt_1_2"})
		if account.CodeOf(err) != account.BadParameter {
			t.Errorf("a replay of nonsense: %v", err)
		}
	})
}

// TestReliableOrder sends many events to a receiver that fails half of the time, and restarts
// the server in between. Nothing is lost, and the order of each account is kept.
func TestReliableOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var mu sync.Mutex
		rnd := rand.New(rand.NewPCG(1, 2))
		busy, accepted := map[string]bool{}, []request{}
		b.receiver.answer = func(_ int, r request) *http.Response {
			mu.Lock()
			if busy[r.account()] {
				t.Errorf("two requests of %s at once", r.account())
			}
			busy[r.account()] = true
			status := []int{200, 503}[rnd.IntN(2)]
			wait := time.Duration(rnd.IntN(20)) * time.Millisecond
			mu.Unlock()
			time.Sleep(wait)
			mu.Lock()
			defer mu.Unlock()
			delete(busy, r.account())
			if status == 200 {
				accepted = append(accepted, r)
			}
			return answer(status)
		}
		b.s.Quicken(time.Second)
		b.set(reliable)
		b.imports(ids(30)...)
		stop := b.run()
		for i := range 10 {
			for _, id := range ids(30) {
				b.nick(id, fmt.Sprintf("%03d", i))
			}
			time.Sleep(time.Second)
			stop()
			stop = b.run()
		}
		time.Sleep(time.Hour)
		stop()
		mu.Lock()
		defer mu.Unlock()
		checkOrder(t, accepted, 300)
		if d := b.deliveries(); d.Waiting != 0 || len(d.DeadLetters) != 0 {
			t.Errorf("%d wait, %d are dead", d.Waiting, len(d.DeadLetters))
		}
	})
}

// TestManyItems delivers an event with many accounts of which one fails. What is delivered is
// not sent again.
func TestManyItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(_ int, r request) *http.Response {
			if r.account() == "u0042" {
				return answer(400)
			}
			return answer(200)
		}
		b.set(adminapi.NewWebhook{Mode: "reliable", ImportEvent: true})
		stop := b.run()
		items := make([]account.Upsert, 100)
		for i, id := range ids(100) {
			items[i] = account.Upsert{ID: id, Nick: "n"}
		}
		if _, err := b.dir.Import(t.Context(), b.app, items); err != nil {
			t.Fatal(err)
		}
		b.nick("u0042", "z")
		b.nick("u0041", "z")
		time.Sleep(time.Second)
		if d := b.deliveries(); d.Waiting != 2 {
			t.Errorf("%d wait, want 2", d.Waiting)
		}
		if got, want := len(b.receiver.requests()), 101; got != want {
			t.Errorf("%d requests, want %d", got, want)
		}
		stop()
		b.receiver.respond(nil)
		defer b.run()()
		time.Sleep(time.Second)
		got := b.receiver.requests()[101:]
		if len(got) != 2 || nickOf(got[0]) != "n" || nickOf(got[1]) != "z" || b.deliveries().Waiting != 0 {
			t.Errorf("after a restart: %+v", got)
		}
	})
}

// TestPause breaks the receiver until the endpoint is paused, and mends it.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(int, request) *http.Response { return answer(502) }
		b.set(reliable)
		stop := b.run()
		b.imports(ids(100)...)
		for _, id := range ids(100) {
			b.nick(id, "x")
		}
		time.Sleep(time.Second)
		w, err := b.s.Webhook(t.Context(), app)
		if err != nil || w.State != adminapi.WebhookPaused || w.Reason != "the receiver answered HTTP 502, not 2xx" {
			t.Fatalf("%+v, %v", w, err)
		}
		before := len(b.receiver.requests())
		if before < webhooks.MaxFailures || before >= webhooks.MaxFailures+webhooks.ReliableLanes {
			t.Errorf("%d requests before the pause", before)
		}
		time.Sleep(time.Hour)
		if st := b.s.Stats(); st.Paused != 1 || st.Kept != 100 || st.Oldest < time.Second {
			t.Errorf("%+v", st)
		}
		probes := len(b.receiver.requests()) - before
		if probes < 10 || probes > 14 { // after 5 s, 10 s, … 10 min
			t.Errorf("%d probes within an hour", probes)
		}
		seen := map[string]bool{}
		for _, r := range b.receiver.requests()[before:] {
			seen[r.account()] = true
		}
		if len(seen) < probes {
			t.Errorf("%d probes of %d accounts", probes, len(seen))
		}
		stop()
		stop = b.run()
		time.Sleep(time.Second)
		if n := len(b.receiver.requests()) - before - probes; n != 1 || b.state() != adminapi.WebhookPaused {
			t.Errorf("%d requests after a restart, %s; want one probe", n, b.state())
		}
		b.receiver.respond(nil)
		time.Sleep(15 * time.Minute)
		if d := b.deliveries(); d.Waiting != 0 || d.State != adminapi.WebhookActive {
			t.Errorf("%d wait, %s", d.Waiting, d.State)
		}
		if st := b.s.Stats(); st != (webhooks.Stats{}) {
			t.Errorf("%+v", st)
		}
		stop()
	})
}

// TestPausedSet checks that new settings end a pause at once.
func TestPausedSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(_ int, r request) *http.Response {
			if strings.HasPrefix(r.url, target) {
				return answer(404)
			}
			return answer(200)
		}
		b.set(reliable)
		defer b.run()()
		b.imports(ids(40)...)
		for _, id := range ids(40) {
			b.nick(id, "x")
		}
		time.Sleep(15 * time.Minute)
		if b.state() != adminapi.WebhookPaused {
			t.Fatal(b.state())
		}
		b.set(adminapi.NewWebhook{Mode: "reliable", URL: "https://other.example/"})
		time.Sleep(time.Second)
		if d := b.deliveries(); d.Waiting != 0 || d.State != adminapi.WebhookActive {
			t.Errorf("%d wait, %s", d.Waiting, d.State)
		}
	})
}

// TestPausedTooLong checks that events of an endpoint that stays broken become dead letters,
// and that there are not too many of those.
func TestPausedTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(int, request) *http.Response { return answer(500) }
		b.set(reliable)
		b.s.PollSeldom()
		defer b.run()()
		const n = webhooks.MaxDead + webhooks.MaxDeadSlack + 300
		b.imports(ids(n)...)
		for _, id := range ids(n) {
			b.nick(id, "x")
		}
		time.Sleep(23 * time.Hour)
		if d := b.deliveries(); len(d.DeadLetters) != 0 || d.Waiting != 1000 || !d.More {
			t.Errorf("%d dead letters, %d wait", len(d.DeadLetters), d.Waiting)
		}
		time.Sleep(2 * time.Hour)
		d := b.deliveries()
		if n := len(d.DeadLetters); d.Waiting != 0 || n < webhooks.MaxDead || n > webhooks.MaxDead+webhooks.MaxDeadSlack {
			t.Errorf("%d dead letters, %d wait", n, d.Waiting)
		}
		w, err := b.s.Webhook(t.Context(), app)
		if err != nil || w.Dropped+int64(len(d.DeadLetters)) != n || b.count.of("lost dropped") != int(w.Dropped) {
			t.Errorf("%d dropped, %d counted", w.Dropped, b.count.of("lost dropped"))
		}
		if last := d.DeadLetters[len(d.DeadLetters)-1].UserID; last != fmt.Sprintf("u%04d", n-1) {
			t.Errorf("the newest dead letter is that of %s", last)
		}
	})
}

// TestGone checks that HTTP 410 ends the webhook until it is set again.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(int, request) *http.Response { return answer(410) }
		b.set(reliable)
		defer b.run()()
		b.imports("alice", "bob")
		b.nick("alice", "1")
		time.Sleep(time.Minute)
		b.nick("alice", "2")
		b.nick("bob", "2")
		time.Sleep(time.Hour)
		d := b.deliveries()
		if d.State != adminapi.WebhookEnded || d.Waiting != 0 || len(d.DeadLetters) != 1 || len(b.receiver.requests()) != 1 {
			t.Errorf("%+v after %d requests", d, len(b.receiver.requests()))
		}
		b.receiver.respond(nil)
		b.set(reliable)
		b.nick("bob", "3")
		time.Sleep(time.Second)
		if d := b.deliveries(); d.State != adminapi.WebhookActive || d.Waiting != 0 || len(b.receiver.requests()) != 2 {
			t.Errorf("%+v", d)
		}
		entries, err := b.dir.Audit(t.Context(), account.AuditQuery{App: app, Limit: 10})
		if err != nil || entries[1].Action != "webhook.end" || entries[1].Actor != directory.ServerActor {
			t.Errorf("%+v, %v", entries, err)
		}
	})
}

// TestRetryAfter checks that a receiver can ask for rest.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(n int, _ request) *http.Response {
			if n == 0 {
				return answer(429, "Retry-After", "600")
			}
			return answer(200)
		}
		b.set(reliable)
		defer b.run()()
		b.imports("alice", "bob")
		b.nick("alice", "1")
		time.Sleep(time.Second)
		b.nick("bob", "1")
		time.Sleep(9 * time.Minute)
		if n := len(b.receiver.requests()); n != 1 {
			t.Errorf("%d requests before the time", n)
		}
		time.Sleep(2 * time.Minute)
		if n := len(b.receiver.requests()); n != 3 || b.deliveries().Waiting != 0 {
			t.Errorf("%d requests after the time", n)
		}
	})
}

// TestHangingAccount checks that an account whose event hangs does not delay others, not even
// those whose events come meanwhile.
func TestHangingAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(_ int, r request) *http.Response {
			if r.account() == "alice" {
				return nil
			}
			return answer(200)
		}
		b.set(reliable)
		defer b.run()()
		b.imports("alice", "bob", "carol")
		b.nick("alice", "1")
		b.nick("alice", "2")
		b.nick("bob", "1")
		time.Sleep(time.Second)
		b.nick("carol", "1")
		time.Sleep(time.Second)
		if got := b.receiver.accounts(); got != "alice bob carol" && got != "bob alice carol" {
			t.Errorf("requests of %s", got)
		}
	})
}

// TestHeldAccount checks that the event of an account waits for an earlier one that is to be
// retried, although that is part of an event with an account that hangs.
func TestHeldAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var mu sync.Mutex
		var accepted []request
		fails := 1
		b.receiver.answer = func(_ int, r request) *http.Response {
			if r.account() == "hangs" {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if fails > 0 {
				fails--
				return answer(500)
			}
			accepted = append(accepted, r)
			return answer(200)
		}
		b.s.Quicken(time.Second)
		b.set(adminapi.NewWebhook{Mode: "reliable", ImportEvent: true})
		defer b.run()()
		if _, err := b.dir.Import(t.Context(), b.app, []account.Upsert{{ID: "hangs", Nick: "1"}, {ID: "alice", Nick: "1"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		b.nick("alice", "2")
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		checkOrder(t, accepted, 2)
	})
}

// TestUnset checks that the events of a webhook that is removed go, too.
func TestUnset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(int, request) *http.Response { return answer(500) }
		b.set(reliable)
		defer b.run()()
		b.imports("alice")
		b.nick("alice", "1")
		time.Sleep(time.Second)
		if err := b.s.UnsetWebhook(t.Context(), "test", app); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		pending, err := b.registry.Pending(t.Context(), app, 10)
		if err != nil || len(pending) != 0 {
			t.Errorf("%d events, %v", len(pending), err)
		}
		b.receiver.respond(nil)
		b.set(reliable)
		b.nick("alice", "2")
		time.Sleep(time.Second)
		got := b.receiver.requests()
		if r := got[len(got)-1]; nickOf(r) != "2" || b.deliveries().Waiting != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// TestModeChanged checks that events in the outbox are delivered although the mode is another
// one now, and that an alert goes through the outbox.
func TestModeChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.set(reliable)
		b.imports("alice")
		b.nick("alice", "1")
		stop := b.run()
		b.s.Near(app, account.RateAlert{Service: "s", Command: "c", Requests: 9, Limit: 10}, time.Now())
		time.Sleep(3 * time.Second)
		stop()
		if got := b.receiver.requests(); len(got) != 2 || got[1].header.Get(webhook.HeaderID) == "" {
			t.Fatalf("%+v", got)
		}
		b.nick("alice", "2")
		b.set(adminapi.NewWebhook{})
		defer b.run()()
		synctest.Wait()
		b.nick("alice", "3")
		time.Sleep(time.Minute)
		if got := b.receiver.requests(); len(got) != 4 || b.deliveries().Waiting != 0 {
			t.Errorf("%d requests", len(got))
		}
	})
}

// A stopping engine refuses commits for a while.
type stopping struct {
	account.Engine
	away atomic.Bool
}

func (e *stopping) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if e.away.Load() {
		return 0, &account.Error{Code: account.Unavailable}
	}
	return e.Engine.Commit(ctx, c)
}

// TestDeadLetterNotStored checks that an item whose dead letter could not be stored is not
// removed with the rest of its event.
func TestDeadLetterNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &stopping{Engine: new(mem.Store)}
		b := benchOn(t, e, &receiver{}, "")
		b.receiver.answer = func(_ int, r request) *http.Response {
			if r.account() == "a" {
				time.Sleep(time.Second)
				return answer(500)
			}
			time.Sleep(2 * time.Second)
			return answer(200)
		}
		b.set(adminapi.NewWebhook{Mode: "reliable", ImportEvent: true})
		if _, err := b.dir.Import(t.Context(), b.app, []account.Upsert{{ID: "a", Nick: "n"}, {ID: "b", Nick: "n"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour) // a failure is the last one
		stop := b.run()
		time.Sleep(500 * time.Millisecond)
		e.away.Store(true) // for the outcome of a
		time.Sleep(time.Second)
		e.away.Store(false) // for that of b
		time.Sleep(time.Hour)
		stop()
		if d := b.deliveries(); d.Waiting != 0 || len(d.DeadLetters) != 1 {
			t.Errorf("%d events wait, %d are dead; want the dead letter of a", d.Waiting, len(d.DeadLetters))
		}
	})
}
