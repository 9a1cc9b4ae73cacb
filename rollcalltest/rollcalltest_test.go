package rollcalltest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// TestMain checks that no server leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNewServer(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	if err := srv.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	got, err := srv.Client.CheckAccounts(t.Context(), []string{"alice", "bob"})
	want := []client.CheckResult{{UserID: "alice", Imported: true}, {UserID: "bob"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("CheckAccounts = %v, %v, want %v", got, err, want)
	}
}

// TestOwnApp checks that servers share nothing: each does not know the app of the other.
func TestOwnApp(t *testing.T) {
	a, b := rollcalltest.NewServer(t), rollcalltest.NewServer(t)
	c, err := client.New(client.Options{BaseURL: a.URL, SDKAppID: b.SDKAppID, Key: b.Key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	err = c.ImportAccount(t.Context(), client.Account{UserID: "alice"})
	if code := codeOf(err); code != client.CodeAppNotFound {
		t.Errorf("ImportAccount with another server's app: %v, want %d", err, client.CodeAppNotFound)
	}
}

func TestOptions(t *testing.T) {
	srv := rollcalltest.NewServer(t,
		rollcalltest.WithEdition(client.Trial),
		rollcalltest.WithSettings(client.Settings{Quota: 3, CustomTags: []client.CustomTag{{Key: "team"}}}),
		rollcalltest.WithKey("a key of mine"),
		rollcalltest.WithAdmin("boss"),
	)
	if srv.Key != "a key of mine" || srv.Admin != "boss" {
		t.Errorf("Key %q, Admin %q", srv.Key, srv.Admin)
	}
	// administrator and boss are accounts, so one account is left of the quota.
	got, err := srv.Client.ImportAll(t.Context(), []client.Account{{UserID: "alice"}, {UserID: "bob"}})
	want := []client.Result{{UserID: "alice"}, {UserID: "bob", Code: client.CodeQuotaExceeded, Info: client.CodeQuotaExceeded.Text()}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("ImportAll = %v, %v, want %v", got, err, want)
	}
	if err := srv.Client.SetProfile(t.Context(), "alice", client.Text("Tag_Profile_Custom_team", "red")); err != nil {
		t.Errorf("a custom tag: %v", err)
	}
}

// TestUserSig checks that the UserSig of a user is valid and is not that of an admin.
func TestUserSig(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	c, err := client.New(client.Options{
		BaseURL: srv.URL, SDKAppID: srv.SDKAppID, Admin: "alice", Signer: signer(srv.UserSig("alice")),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	if code := codeOf(c.Kick(t.Context(), "alice")); code != client.CodeNotAdmin {
		t.Errorf("a user's call returns %d, want %d", code, client.CodeNotAdmin)
	}
}

func TestAdminClient(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	info, err := srv.AdminClient.Info(t.Context())
	if err != nil || info.Apps != 1 {
		t.Errorf("Info = %+v, %v, want one app", info, err)
	}
}

// TestManyServers runs 100 servers at once. Their tests end in any order, after calls and
// with open connections.
func TestManyServers(t *testing.T) {
	for i := range 100 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			srv := rollcalltest.NewServer(t)
			accounts := []client.Account{{UserID: "alice"}, {UserID: fmt.Sprint("user", i)}}
			results, err := srv.Client.ImportAccounts(t.Context(), accounts)
			if err != nil || slices.ContainsFunc(results, func(r client.Result) bool { return r.Code != 0 }) {
				t.Errorf("ImportAccounts = %v, %v", results, err)
			}
		})
	}
}

// TestForeignConnection checks that a server stops even if the connection of a plain HTTP
// client is still open.
func TestForeignConnection(t *testing.T) {
	pool := &http.Transport{}
	t.Cleanup(pool.CloseIdleConnections) // after the server has stopped
	srv := rollcalltest.NewServer(t)
	resp, err := (&http.Client{Transport: pool}).Get(srv.URL + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("health: %d, %v", resp.StatusCode, err)
	}
}

// codeOf returns the code of a response, or 0 for any other error.
func codeOf(err error) client.Code {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Code
	}
	return 0
}

// signer always returns sig.
func signer(sig string) client.Signer {
	return func(context.Context) (string, time.Time, error) { return sig, time.Now().Add(time.Hour), nil }
}

// A lap is a test within a benchmark. Its cleanups run at the end of the lap.
type lap struct {
	testing.TB
	cleanups []func()
}

func (l *lap) Cleanup(f func()) { l.cleanups = append(l.cleanups, f) }

func (l *lap) end() {
	for _, f := range slices.Backward(l.cleanups) {
		f()
	}
}

// BenchmarkNewServer measures the cost of a server for a test: start, first call and stop.
func BenchmarkNewServer(b *testing.B) {
	for b.Loop() {
		l := &lap{TB: b}
		srv := rollcalltest.NewServer(l)
		if err := srv.Client.ImportAccount(b.Context(), client.Account{UserID: "alice"}); err != nil {
			b.Fatal(err)
		}
		l.end()
	}
}
