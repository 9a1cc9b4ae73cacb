package rollcalltest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// paid are the options of an app whose deleted ids are banned for 90 days.
var paid = []rollcalltest.Option{
	rollcalltest.WithEdition(client.Standard),
	rollcalltest.WithSettings(client.Settings{AllowDelete: true, RateMode: "shadow"}),
}

// internalID returns the internal id of an account.
func internalID(t *testing.T, srv *rollcalltest.Server, userID string) string {
	t.Helper()
	a, err := srv.AdminClient.Account(t.Context(), srv.SDKAppID, userID)
	if err != nil {
		t.Fatal(err)
	}
	return a.InternalID
}

// TestThreeMonths deletes an account and imports it again after the ban of 90 days.
func TestThreeMonths(t *testing.T) {
	srv := rollcalltest.NewServer(t, paid...)
	ctx, alice := t.Context(), client.Account{UserID: "alice"}
	if err := srv.Client.ImportAccount(ctx, alice); err != nil {
		t.Fatal(err)
	}
	first := internalID(t, srv, "alice")
	if _, err := srv.Client.DeleteAccounts(ctx, []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	tombstoned := func() {
		t.Helper()
		if code := codeOf(srv.Client.ImportAccount(ctx, alice)); code != 70399 {
			t.Errorf("the import returns %d, want 70399", code)
		}
	}
	tombstoned()
	srv.FreezeClock()
	srv.AdvanceClock(90*24*time.Hour - 10*time.Second)
	tombstoned()
	srv.UnfreezeClock()
	srv.AdvanceClock(10 * time.Second)
	if err := srv.Client.ImportAccount(ctx, alice); err != nil {
		t.Fatal(err)
	}
	if again := internalID(t, srv, "alice"); again == first {
		t.Errorf("the new account has the internal id %s of the old one", again)
	}
}

// TestClock changes the clock and checks what follows it.
func TestClock(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	at := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := srv.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	before := srv.UserSig("alice")
	srv.FreezeClock()
	srv.SetClock(at)
	if now := srv.Now(); !now.Equal(at) {
		t.Errorf("the clock shows %v, want %v", now, at)
	}
	user := func(sig string) client.Code {
		t.Helper()
		c, err := client.New(client.Options{BaseURL: srv.URL, SDKAppID: srv.SDKAppID, Admin: "alice", Signer: signer(sig)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.CloseIdleConnections)
		return codeOf(c.ImportAccount(t.Context(), client.Account{UserID: "bob"}))
	}
	if code := user(before); code != 70001 {
		t.Errorf("an old UserSig returns %d, want 70001", code)
	}
	if code := user(srv.UserSig("alice")); code != client.CodeNotAdmin {
		t.Errorf("a new UserSig returns %d, want %d", code, client.CodeNotAdmin)
	}
	if err := srv.Client.Kick(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	a, err := srv.AdminClient.Account(t.Context(), srv.SDKAppID, "alice")
	if err != nil || !a.KickedAt.Equal(at) {
		t.Errorf("kicked at %v, %v; want %v", a.KickedAt, err, at)
	}
	srv.ResetClock()
	if err := srv.Client.ImportAccount(t.Context(), client.Account{UserID: "bob"}); err != nil {
		t.Errorf("after the reset of the clock: %v", err)
	}
	if d := time.Since(srv.Now()).Abs(); d > time.Minute {
		t.Errorf("the clock differs from real time by %v after its reset", d)
	}
}

// TestReset checks that a reset removes accounts, and that a snapshot brings them back.
func TestReset(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	if err := srv.Client.ImportAccount(t.Context(), client.Account{UserID: "alice", Nick: "Alice"}); err != nil {
		t.Fatal(err)
	}
	first := internalID(t, srv, "alice")
	srv.Snapshot("base")
	srv.Reset()
	imported := func(want bool) {
		t.Helper()
		got, err := srv.Client.CheckAccounts(t.Context(), []string{"alice"})
		if err != nil || got[0].Imported != want {
			t.Errorf("alice is imported: %v, %v; want %v", got, err, want)
		}
	}
	imported(false)
	srv.Restore("base")
	imported(true)
	if again := internalID(t, srv, "alice"); again != first {
		t.Errorf("the restored account has the internal id %s, want %s", again, first)
	}
}

// A recorder is a test that records its failure.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	panic(r)
}

// TestKitFailure checks that the methods of the kit fail the test if the server refuses.
func TestKitFailure(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	r := &recorder{TB: t}
	app := srv.NewApp(r)
	for name, call := range map[string]func(){
		"restore:":  func() { app.Restore("none") },
		"snapshot:": func() { app.Snapshot("a b") },
		"clock:":    func() { app.SetClock(time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)) },
	} {
		func() {
			defer func() { _ = recover() }()
			call()
		}()
		if !strings.Contains(r.failure, name) {
			t.Errorf("%s the failure is %q", name, r.failure)
		}
	}
}

// TestParallelApps runs 50 tests on one server, with an app each. Each imports, deletes,
// resets, restores and advances its clock, and sees its own app alone.
func TestParallelApps(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	for i := range 50 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			testOwnState(t, srv.NewApp(t, paid...), i)
		})
	}
}

func testOwnState(t *testing.T, app *rollcalltest.Server, i int) {
	own := fmt.Sprint("user", i)
	want := func(ids ...string) {
		t.Helper()
		var got []string
		for a, err := range app.AdminClient.Accounts(t.Context(), app.SDKAppID, client.AccountQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, a.UserID)
		}
		if ids = append([]string{client.Administrator}, ids...); !slices.Equal(got, ids) {
			t.Errorf("accounts %q, want %q", got, ids)
		}
	}
	for round := range 3 {
		app.Reset()
		want()
		results, err := app.Client.ImportAccounts(t.Context(), []client.Account{{UserID: "shared", Nick: own}, {UserID: own}})
		if err != nil || slices.ContainsFunc(results, func(r client.Result) bool { return r.Code != 0 }) {
			t.Fatalf("round %d: %v, %v", round, results, err)
		}
		app.Snapshot("full")
		_, err = app.Client.DeleteAccounts(t.Context(), []string{own})
		if code := codeOf(app.Client.ImportAccount(t.Context(), client.Account{UserID: own})); err != nil || code != 70399 {
			t.Errorf("import of a deleted id returns %d, %v; want 70399", code, err)
		}
		app.AdvanceClock(time.Duration(90+i) * 24 * time.Hour)
		want("shared")
		app.Restore("full")
		want("shared", own)
		a, err := app.AdminClient.Account(t.Context(), app.SDKAppID, "shared")
		if err = errors.Join(err, app.Client.ImportAccount(t.Context(), client.Account{UserID: own})); err != nil || a.Nick != own {
			t.Errorf("shared has the nick %q, %v; want %q", a.Nick, err, own)
		}
	}
}

// BenchmarkReset resets an app with 10,000 accounts.
func BenchmarkReset(b *testing.B) {
	srv := rollcalltest.NewServer(b)
	accounts := make([]client.Account, 10_000)
	for i := range accounts {
		accounts[i] = client.Account{UserID: fmt.Sprint("user", i), Nick: "nick"}
	}
	if _, err := srv.Client.ImportAll(b.Context(), accounts); err != nil {
		b.Fatal(err)
	}
	srv.Snapshot("full")
	var spent time.Duration
	for b.Loop() {
		srv.Restore("full")
		start := time.Now()
		srv.Reset()
		spent += time.Since(start)
	}
	b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "reset-ms")
}
