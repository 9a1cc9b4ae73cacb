package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/client"
	"rollcall/webhook"
)

var webhookRounds = flag.Int("webhook-rounds", 3, "how often TestKillWebhooks kills the server")

// A hookReceiver accepts half of the webhooks that it gets.
type hookReceiver struct {
	mu       sync.Mutex
	failing  bool
	accepted map[string][]int  // numbers in the nicks that were set, by account
	ids      map[string]string // account and number of each event, by id
	requests int
}

func (v *hookReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server was killed
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.requests++
	if v.failing && rand.IntN(2) == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var set webhook.PortraitSet
	var n int
	if err := json.Unmarshal(body, &set); err != nil {
		return
	}
	if _, err := fmt.Sscanf(set.ProfileItem[0].Text, "%d", &n); err != nil {
		return
	}
	v.accepted[set.FromAccount] = append(v.accepted[set.FromAccount], n)
	v.ids[r.Header.Get(webhook.HeaderID)] += fmt.Sprintf(" %s/%d", set.FromAccount, n)
}

// TestKillWebhooks kills a server while it delivers webhooks to a receiver that fails half of
// the time. No acknowledged event is lost, and the events of each account come in their order:
// only the newest one may come again.
func TestKillWebhooks(t *testing.T) {
	dir := t.TempDir()
	v := &hookReceiver{failing: true, accepted: map[string][]int{}, ids: map[string]string{}}
	receiver := httptest.NewServer(v)
	defer receiver.Close()
	p := startProcess(t, dir)
	api, err := client.NewAdmin(client.AdminOptions{BaseURL: p.context.URL, Token: p.context.AdminToken})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.SetWebhook(t.Context(), p.context.SDKAppID, client.NewWebhook{
		URL: receiver.URL, Mode: "reliable", Events: []string{webhook.CommandPortraitSet},
	}); err != nil {
		t.Fatal(err)
	}
	const accounts = 12
	acked, next := make([]map[int]bool, accounts), make([]int, accounts)
	for i := range acked {
		acked[i] = map[int]bool{}
		var resp struct{ ErrorCode int }
		if err := p.call(http.DefaultClient, "account_import", fmt.Sprintf(`{"UserID":"u%d"}`, i), &resp); err != nil || resp.ErrorCode != 0 {
			t.Fatal(resp, err)
		}
	}
	var total atomic.Int64
	for range *webhookRounds {
		killAt := total.Load() + 100 + rand.Int64N(400)
		var wg sync.WaitGroup
		for i := range accounts {
			wg.Go(func() {
				for {
					next[i]++
					if !p.setNick(i, next[i]) {
						return // killed; nobody knows whether the change was made
					}
					acked[i][next[i]] = true
					if total.Add(1) == killAt {
						_ = p.Process.Kill()
					}
				}
			})
		}
		wg.Wait()
		_ = p.Wait()
		p = startProcess(t, dir)
	}
	v.mu.Lock()
	v.failing = false
	v.mu.Unlock()
	_ = p.Process.Kill() // so that all accounts are tried at once
	_ = p.Wait()
	p = startProcess(t, dir)
	api, err = client.NewAdmin(client.AdminOptions{BaseURL: p.context.URL, Token: p.context.AdminToken})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "empty outbox", func() bool {
		d, err := api.WebhookDeliveries(t.Context(), p.context.SDKAppID)
		return err == nil && d.Waiting == 0 && len(d.DeadLetters) == 0
	})
	v.check(t, acked, total.Load())
}

// setNick sets the nick of an account to a number, and reports whether that was acknowledged.
func (p *process) setNick(i, n int) bool {
	q := url.Values{"sdkappid": {fmt.Sprint(p.context.SDKAppID)}, "identifier": {p.context.Admin}, "usersig": {p.sig}}
	body := fmt.Sprintf(`{"From_Account":"u%d","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"%d"}]}`, i, n)
	r, err := http.Post(p.context.URL+"/v4/profile/portrait_set?"+q.Encode(), "application/json", strings.NewReader(body))
	if err != nil {
		return false
	}
	defer r.Body.Close()
	var resp struct{ ErrorCode int }
	return json.NewDecoder(r.Body).Decode(&resp) == nil && resp.ErrorCode == 0
}

// check compares what was accepted with what was acknowledged.
func (v *hookReceiver) check(t *testing.T, acked []map[int]bool, total int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	lost, disordered, again := 0, 0, 0
	for i, numbers := range acked {
		got, last := map[int]bool{}, 0
		for _, n := range v.accepted[fmt.Sprintf("u%d", i)] {
			switch {
			case n < last:
				disordered++
			case n == last:
				again++
			}
			last, got[n] = n, true
		}
		for n := range numbers {
			if !got[n] {
				lost++
			}
		}
	}
	for id, events := range v.ids {
		if first, rest, _ := strings.Cut(strings.TrimSpace(events), " "); strings.ReplaceAll(rest+" ", first+" ", "") != "" && rest != "" {
			t.Errorf("the id %s is that of%s", id, events)
		}
	}
	if lost+disordered > 0 {
		t.Errorf("%d events lost, %d out of order", lost, disordered)
	}
	t.Logf("%d rounds, %d acknowledged events, %d requests: %d lost, %d out of order, %d came again", *webhookRounds, total, v.requests, lost, disordered, again)
}
