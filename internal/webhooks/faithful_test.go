package webhooks_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/webhooks"
	"rollcall/webhook"
)

// session reports a change of a login session, as the part of the server does that knows them.
func (b *bench) session(e account.Event) { b.s.Hear(e) }

// TestTranscripts checks the URL and the body of each event, byte for byte. The clock of
// synctest begins at 2000-01-01.
func TestTranscripts(t *testing.T) {
	const query = "SdkAppid=1400000001&CallbackCommand="
	state := func(st account.StateChange) account.Event {
		return account.Event{App: app, Kind: account.EventState, Items: []account.EventItem{{ID: "alice", State: &st}}}
	}
	from := netip.MustParseAddr("198.51.100.7")
	for _, tt := range []struct {
		name      string
		set       adminapi.NewWebhook
		event     func(b *bench)
		url, body string
	}{
		{
			"login",
			adminapi.NewWebhook{},
			func(b *bench) {
				b.session(state(account.StateChange{
					At: 1629883332497, Action: account.StateLogin, Reason: account.ReasonRegister, Platform: account.IPhone, Address: from,
					Replaced: []account.Platform{account.Windows, account.IPhone, account.Linux},
				}))
			}, target + "?" + query + "State.StateChange&contenttype=json&ClientIP=198.51.100.7&OptPlatform=iOS",
			`{"CallbackCommand":"State.StateChange","EventTime":1629883332497,"Info":{"Action":"Login","To_Account":"alice","Reason":"Register"},"KickedDevice":[{"Platform":"Windows"},{"Platform":"iOS"},{"Platform":"Linux"}]}`,
		},
		{
			"login in capitals",
			adminapi.NewWebhook{IOSSpelling: "IOS"},
			func(b *bench) {
				b.session(state(account.StateChange{At: 1, Action: account.StateLogin, Reason: account.ReasonRegister, Platform: account.IPhone, Address: from}))
			}, target + "?" + query + "State.StateChange&contenttype=json&ClientIP=198.51.100.7&OptPlatform=IOS",
			`{"CallbackCommand":"State.StateChange","EventTime":1,"Info":{"Action":"Login","To_Account":"alice","Reason":"Register"}}`,
		},
		{
			"timeout on Linux",
			adminapi.NewWebhook{},
			func(b *bench) {
				b.session(state(account.StateChange{At: 2, Action: account.StateDisconnect, Reason: account.ReasonTimeOut, Platform: account.Linux}))
			}, target + "?" + query + "State.StateChange&contenttype=json&ClientIP=&OptPlatform=Unknown",
			`{"CallbackCommand":"State.StateChange","EventTime":2,"Info":{"Action":"Disconnect","To_Account":"alice","Reason":"TimeOut"}}`,
		},
		{
			"custom status",
			adminapi.NewWebhook{},
			func(b *bench) {
				b.session(state(account.StateChange{At: 3, Action: account.StateCustom, Reason: account.ReasonCustom, Platform: account.Web, Address: from, Status: "<busy>"}))
			}, target + "?" + query + "State.StateChange&contenttype=json&ClientIP=198.51.100.7&OptPlatform=Web",
			`{"CallbackCommand":"State.StateChange","EventTime":3,"Info":{"Action":"CustomStatusChange","To_Account":"alice","Reason":"SetCustomStatus","CustomStatus":"<busy>"}}`,
		},
		{
			"profile",
			adminapi.NewWebhook{},
			func(b *bench) {
				ctx := directory.WithOperator(b.Context(), "boss", netip.MustParseAddr("192.0.2.7"))
				err := b.dir.SetProfile(ctx, b.app, "alice", []directory.Change{
					{Tag: account.TagNick, Value: account.Value{Text: "A & B"}}, {Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}},
				})
				if err != nil {
					b.Fatal(err)
				}
			}, target + "?" + query + "Profile.CallbackPortraitSet&contenttype=json&ClientIP=192.0.2.7&OptPlatform=RESTAPI",
			`{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"boss","From_Account":"alice","EventTime":946684800000,"ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"A & B"},{"Tag":"Tag_Profile_IM_Level","Value":7}]}`,
		},
		{
			"profile by the admin API",
			adminapi.NewWebhook{},
			func(b *bench) {
				err := b.dir.ChangeAccount(b.Context(), "token", app, "alice", []directory.Change{{Tag: account.TagLevel, Clear: true}, {Tag: account.TagNick, Clear: true}})
				if err != nil {
					b.Fatal(err)
				}
			}, target + "?" + query + "Profile.CallbackPortraitSet&contenttype=json&ClientIP=&OptPlatform=RESTAPI",
			`{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"administrator","From_Account":"alice","EventTime":946684800000,"ProfileItem":[{"Tag":"Tag_Profile_IM_Level","Value":0},{"Tag":"Tag_Profile_IM_Nick","Value":""}]}`,
		},
		{
			"import",
			adminapi.NewWebhook{ImportEvent: true},
			func(b *bench) {
				if _, err := b.dir.Import(b.Context(), b.app, []account.Upsert{{ID: "quiet"}, {ID: "alice", FaceURL: "http://f"}}); err != nil {
					b.Fatal(err)
				}
			}, target + "?" + query + "Profile.CallbackPortraitSet&contenttype=json&ClientIP=&OptPlatform=RESTAPI",
			`{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"administrator","From_Account":"alice","EventTime":946684800000,"ProfileItem":[{"Tag":"Tag_Profile_IM_Image","Value":"http://f"}]}`,
		},
		{
			"alert",
			adminapi.NewWebhook{},
			func(b *bench) {
				for _, n := range []int64{100, 159, 160, 510, 300} {
					b.s.Near(app, account.RateAlert{Service: "openim", Command: "batchsendmsg", Requests: n, Limit: 200}, time.Now())
				}
				time.Sleep(2 * time.Second)
			}, target + "?" + query + "Alert.RequestOverLimit&OptPlatform=RESTAPI&contenttype=json",
			`{"CallbackCommand":"Alert.RequestOverLimit","ServiceName":"openim","Command":"batchsendmsg","Request":510,"Limit":200}`,
		},
		{
			"own query and token",
			adminapi.NewWebhook{URL: target + "?key=a%2Fb", Token: new("xxxxyyyy")},
			func(b *bench) {
				b.session(state(account.StateChange{At: 4, Action: account.StateLogout, Reason: account.ReasonUnregister, Platform: account.MiniProgram, Address: from}))
			}, target + "?key=a%2Fb&" + query + "State.StateChange&contenttype=json&ClientIP=198.51.100.7&OptPlatform=Web&Sign=" + webhook.Sign("xxxxyyyy", 946684800) + "&RequestTime=946684800",
			`{"CallbackCommand":"State.StateChange","EventTime":4,"Info":{"Action":"Logout","To_Account":"alice","Reason":"Unregister"}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.set(tt.set)
				defer b.run()()
				b.imports("alice")
				tt.event(b)
				synctest.Wait()
				got := b.receiver.requests()
				if len(got) != 1 {
					t.Fatalf("%d requests, want 1", len(got))
				}
				if diff := cmp.Diff([]string{tt.url, tt.body, "application/json"}, []string{got[0].url, got[0].body, got[0].header.Get("Content-Type")}); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if id := got[0].header.Get(webhook.HeaderID); id != "" {
					t.Errorf("mode faithful sent the id %s", id)
				}
			})
		})
	}
}

// TestNotSent checks that events that are not chosen are not sent.
func TestNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.run()()
		b.imports("alice")
		b.nick("alice", "no webhook")
		b.set(adminapi.NewWebhook{Events: []string{webhook.CommandStateChange}})
		b.nick("alice", "not chosen")
		b.set(adminapi.NewWebhook{Events: []string{webhook.CommandPortraitSet}})
		if _, err := b.dir.Import(t.Context(), b.app, []account.Upsert{{ID: "alice", Nick: "imported"}}); err != nil {
			t.Fatal(err)
		}
		b.session(account.Event{App: app, Kind: account.EventState, Items: []account.EventItem{{ID: "alice", State: &account.StateChange{}}}})
		b.nick("alice", "sent")
		synctest.Wait()
		if err := b.s.UnsetWebhook(t.Context(), "test", app); err != nil {
			t.Fatal(err)
		}
		b.nick("alice", "removed")
		synctest.Wait()
		if got := b.receiver.requests(); len(got) != 1 || !strings.Contains(got[0].body, `"sent"`) {
			t.Errorf("%d requests: %+v", len(got), got)
		}
	})
}

// TestAlertsOncePerMinute checks the period between two alerts of a command.
func TestAlertsOncePerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.set(adminapi.NewWebhook{})
		defer b.run()()
		near := func(command string) {
			b.s.Near(app, account.RateAlert{Service: "s", Command: command, Requests: 8, Limit: 10}, time.Now())
		}
		for range 130 {
			near("a")
			time.Sleep(time.Second)
		}
		near("b")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		n := map[string]int{}
		for _, r := range b.receiver.requests() {
			for _, c := range []string{"a", "b"} {
				if strings.Contains(r.body, `"Command":"`+c+`"`) {
					n[c]++
				}
			}
		}
		if n["a"] != 3 || n["b"] != 1 {
			t.Errorf("%v alerts, want 3 of a and 1 of b", n)
		}
	})
}

// TestFaithfulOrder checks that the events of an account are sent one after the other, and
// those of several at once, although receivers take their time and fail.
func TestFaithfulOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var mu sync.Mutex
		busy, most := map[string]bool{}, 0
		b.receiver.answer = func(n int, r request) *http.Response {
			mu.Lock()
			id := r.account()
			if busy[id] {
				t.Errorf("two requests of %s at once", id)
			}
			busy[id] = true
			most = max(most, len(busy))
			mu.Unlock()
			time.Sleep(time.Duration(1+n%3) * 10 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			delete(busy, id)
			return answer([]int{200, 500}[n%2])
		}
		b.set(adminapi.NewWebhook{})
		defer b.run()()
		b.imports(ids(20)...)
		for i := range 10 {
			for _, id := range ids(20) {
				b.nick(id, fmt.Sprintf("%03d", i))
			}
		}
		time.Sleep(time.Minute)
		checkOrder(t, b.receiver.requests(), 200)
		if most < 2 {
			t.Error("never two requests at once")
		}
		if ok, failed := b.count.of("faithful delivered"), b.count.of("faithful failed"); ok != 100 || failed != 100 || b.count.of("sent true") != 100 || b.count.of("sent false") != 100 {
			t.Errorf("%d delivered and %d failed, want 100 each", ok, failed)
		}
		if got := b.deliveries().Attempts; len(got) != 100 || got[0].Status == 0 {
			t.Errorf("%d attempts in memory, want 100: %+v", len(got), got[0])
		}
	})
}

// checkOrder checks that there are n events, and that the nicks of each account rise. After
// a restart, the newest event of an account may come again.
func checkOrder(t *testing.T, got []request, n int) {
	t.Helper()
	last, id, again := map[string]string{}, map[string]string{}, 0
	for _, r := range got {
		if key := r.header.Get(webhook.HeaderID); key != "" && id[r.account()] == key {
			again++
			continue
		}
		id[r.account()] = r.header.Get(webhook.HeaderID)
		if nick := nickOf(r); nick <= last[r.account()] {
			t.Errorf("%s: %s comes after %s", r.account(), nick, last[r.account()])
		} else {
			last[r.account()] = nick
		}
	}
	if len(got)-again != n {
		t.Errorf("%d events, want %d", len(got)-again, n)
	}
}

func nickOf(r request) string {
	_, rest, _ := strings.Cut(r.body, `"Value":"`)
	nick, _, _ := strings.Cut(rest, `"`)
	return nick
}

// TestFaithfulBounded fills the queue while the receiver hangs. What does not fit is lost and
// counted, and so is what is left at the end.
func TestFaithfulBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.receiver.answer = func(int, request) *http.Response { return nil } // until the time limit
		b.set(adminapi.NewWebhook{})
		stop := b.run()
		b.imports("alice")
		for range webhooks.MaxQueuedApp + 7 {
			b.nick("alice", "x")
		}
		if got := b.s.Stats().Queued; got != webhooks.MaxQueuedApp {
			t.Errorf("%d in the queue, want %d", got, webhooks.MaxQueuedApp)
		}
		if d := b.deliveries(); d.Waiting != webhooks.MaxQueuedApp {
			t.Errorf("%d wait", d.Waiting)
		}
		if lost := b.count.of("lost full"); lost != 7 {
			t.Errorf("%d lost, want 7", lost)
		}
		time.Sleep(5 * time.Second) // 2 s for each attempt
		synctest.Wait()
		if failed := b.count.of("faithful failed"); failed != 2 {
			t.Errorf("%d failed, want 2", failed)
		}
		if a := b.deliveries().Attempts[0]; a.Reason != "no response came within 2s" || a.TookMS != 2000 {
			t.Errorf("%+v", a)
		}
		begin := time.Now()
		stop()
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("the end took %v", took)
		}
		if sum := b.count.of("faithful failed") + b.count.of("lost stopped"); sum != webhooks.MaxQueuedApp || b.s.Stats().Queued != 0 {
			t.Errorf("%d of %d are accounted for, %d queued", sum, webhooks.MaxQueuedApp, b.s.Stats().Queued)
		}
		b.nick("alice", "late")
		if lost := b.count.of("lost stopped"); lost == 0 || b.s.Stats().Queued != 0 {
			t.Errorf("%d lost, %d queued", lost, b.s.Stats().Queued)
		}
	})
}

// TestDeletedApp checks that nothing of a deleted app is sent or shown.
func TestDeletedApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.set(adminapi.NewWebhook{})
		defer b.run()()
		b.nick(account.Administrator, "x")
		synctest.Wait()
		if err := b.dir.DeleteApp(t.Context(), "test", app); err != nil {
			t.Fatal(err)
		}
		if _, err := b.s.Webhook(t.Context(), app); account.CodeOf(err) != account.NoApp {
			t.Error(err)
		}
		if _, err := b.dir.CreateApp(t.Context(), "test", account.App{ID: app, Edition: account.Development}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.s.Webhook(t.Context(), app); account.CodeOf(err) != account.NoWebhook {
			t.Error(err)
		}
		b.nick(account.Administrator, "y")
		b.set(adminapi.NewWebhook{})
		if d := b.deliveries(); len(d.Attempts) != 0 {
			t.Errorf("%+v", d)
		}
		synctest.Wait()
		if n := len(b.receiver.requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}
