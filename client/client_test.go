package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"rollcall/client"
	"rollcall/rollcalltest"
	"rollcall/usersig"
)

// TestMain fails if a client leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var usersigKey = usersig.HMACKey("k")

// codeOf returns the code of a response, or 0 for any other error.
func codeOf(err error) client.Code {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Code
	}
	return 0
}

// result returns the expected result of an item.
func result(userID string, c client.Code) client.Result {
	return client.Result{UserID: userID, Code: c, Info: c.Text()}
}

func TestImport(t *testing.T) {
	srv := rollcalltest.NewServer(t, rollcalltest.WithSettings(client.Settings{Words: []string{"rude"}}))
	c, ctx := srv.Client, t.Context()
	if err := c.ImportAccount(ctx, client.Account{UserID: "alice", Nick: "Alice", FaceURL: "https://a"}); err != nil {
		t.Fatal(err)
	}
	err := c.ImportAccount(ctx, client.Account{UserID: "bob", Nick: "rude"})
	e, ok := errors.AsType[*client.Error](err)
	if !ok || e.Code != client.CodeSensitiveWord || e.Advice == "" || e.RequestID == "" || e.Retryable || e.Command != "account_import" {
		t.Errorf("a sensitive word: %#v", err)
	}
	got, err := c.ImportAccounts(ctx, []client.Account{
		{UserID: "carol"}, {UserID: "dave", Nick: "rude"}, {UserID: "@eve"}, {UserID: "dave"},
	})
	want := []client.Result{result("carol", 0), result("dave", client.CodeSensitiveWord), result("@eve", client.CodeBadParameter), result("dave", 0)}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("ImportAccounts: %v (-want +got):\n%s", err, diff)
	}
	if _, err := c.ImportAccounts(ctx, make([]client.Account, client.MaxBatch+1)); codeOf(err) != client.CodeBadParameter {
		t.Errorf("too many: %v, want %d", err, client.CodeBadParameter)
	}
}

func TestImportAll(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	accounts := make([]client.Account, 2*client.MaxBatch+1)
	for i := range accounts {
		accounts[i].UserID = fmt.Sprint("user", i)
	}
	accounts[150].UserID = "@bad"
	got, err := srv.Client.ImportAll(t.Context(), accounts)
	if err != nil || len(got) != len(accounts) {
		t.Fatalf("%d results, %v, want %d", len(got), err, len(accounts))
	}
	for i, r := range got {
		if want := accounts[i].UserID; r.UserID != want || (r.Code != 0) != (i == 150) {
			t.Errorf("result %d: %+v, want %s", i, r, want)
		}
	}
	if got, err := srv.Client.ImportAll(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}

// TestImportFromVendor imports accounts with responses of the vendor, which name failed
// ids without a reason. The second call fails and ends ImportAll.
func TestImportFromVendor(t *testing.T) {
	c, _ := scripted(t, client.Options{},
		body(200, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":["user1"]}`), code(70398))
	accounts := make([]client.Account, client.MaxBatch+1)
	for i := range accounts {
		accounts[i].UserID = fmt.Sprint("user", i)
	}
	got, err := c.ImportAll(t.Context(), accounts)
	if codeOf(err) != client.CodeQuotaExceeded || len(got) != client.MaxBatch {
		t.Fatalf("%d results, %v, want those of the first call and 70398", len(got), err)
	}
	if got[0] != (client.Result{UserID: "user0"}) || got[1] != result("user1", client.CodeUnexplained) {
		t.Errorf("results %+v, %+v", got[0], got[1])
	}
}

func TestCheckAndDelete(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	c, ctx := srv.Client, t.Context()
	if _, err := c.ImportAll(ctx, []client.Account{{UserID: "alice"}, {UserID: "bob"}}); err != nil {
		t.Fatal(err)
	}
	deleted, err := c.DeleteAccounts(ctx, []string{"alice", "nobody", client.Administrator})
	want := []client.Result{result("alice", 0), result("nobody", client.CodeNoAccount), result(client.Administrator, client.CodeBadParameter)}
	for i := range deleted {
		if deleted[i].Code != 0 {
			deleted[i].Info = deleted[i].Code.Text() // the server's own sentence
		}
	}
	if diff := cmp.Diff(want, deleted); err != nil || diff != "" {
		t.Errorf("DeleteAccounts: %v (-want +got):\n%s", err, diff)
	}
	checked, err := c.CheckAccounts(ctx, []string{"alice", "bob"})
	if diff := cmp.Diff([]client.CheckResult{{UserID: "alice"}, {UserID: "bob", Imported: true}}, checked); err != nil || diff != "" {
		t.Errorf("CheckAccounts: %v (-want +got):\n%s", err, diff)
	}
	bad, err := c.CheckAccounts(ctx, []string{"@x"})
	if err != nil || len(bad) != 1 || bad[0].Code != client.CodeBadParameter || bad[0].Info == "" {
		t.Errorf("CheckAccounts of a bad id: %+v, %v", bad, err)
	}
}

// TestKick kicks the admin that the client signs as. The client makes a new UserSig and
// retries.
func TestKick(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	c, ctx := srv.Client, t.Context()
	if err := c.Kick(ctx, "nobody"); codeOf(err) != client.CodeNoAccount {
		t.Errorf("Kick of nobody: %v, want %d", err, client.CodeNoAccount)
	}
	signed := 0
	old, err := client.New(client.Options{
		BaseURL: srv.URL, SDKAppID: srv.SDKAppID, Signer: func(ctx context.Context) (string, time.Time, error) {
			claims := usersig.Claims{SDKAppID: srv.SDKAppID, Identifier: srv.Admin, Validity: time.Hour}
			if signed++; signed == 1 {
				claims.IssuedAt = time.Now().Add(-time.Minute)
			}
			sig, err := usersig.Sign(usersig.HMACKey(srv.Key), claims)
			return sig, time.Now().Add(time.Hour), err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(old.CloseIdleConnections)
	if err := old.Kick(ctx, srv.Admin); err != nil {
		t.Fatal(err)
	}
	if err := old.Kick(ctx, srv.Admin); err != nil || signed != 2 {
		t.Errorf("after the kick: %v with %d UserSigs, want a second one", err, signed)
	}
}

func TestStatus(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	c, ctx := srv.Client, t.Context()
	if err := c.ImportAccount(ctx, client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	unknown := client.StatusResult{UserID: "bob", Code: client.CodeNoAccount, Info: client.CodeNoAccount.Text()}
	for name, query := range map[string]func(context.Context, client.StatusQuery) ([]client.StatusResult, error){
		"QueryOnlineStatus": c.QueryOnlineStatus, "QueryState": c.QueryState,
	} {
		got, err := query(ctx, client.StatusQuery{UserIDs: []string{"bob", "alice"}, Detail: true, InstanceID: true, CustomStatus: true})
		want := []client.StatusResult{{UserID: "alice", Status: client.Offline}, unknown}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		got, err = query(ctx, client.StatusQuery{UserIDs: []string{"bob"}})
		if diff := cmp.Diff([]client.StatusResult{unknown}, got); err != nil || diff != "" {
			t.Errorf("%s of nobody: %v (-want +got):\n%s", name, err, diff)
		}
		if _, err = query(ctx, client.StatusQuery{}); codeOf(err) != 90001 {
			t.Errorf("%s of none: %v, want 90001", name, err)
		}
	}
}

// TestStatusDevices reads the sample of the documents. Rollcall has no sessions and
// cannot return such a response.
func TestStatusDevices(t *testing.T) {
	const sample = `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"QueryResult":[
		{"To_Account":"id1","Status":"Online","CustomStatus":"busy","Detail":[{"Platform":"iPhone","Status":"PushOnline"},{"Platform":"Web","Status":"Online","Instid":7}]}],
		"ErrorList":[{"To_Account":"id4","ErrorCode":70107}]}`
	want := []client.StatusResult{
		{UserID: "id1", Status: client.Online, CustomStatus: "busy", Devices: []client.Device{
			{Platform: "iPhone", Status: client.PushOnline}, {Platform: "Web", Status: client.Online, InstanceID: 7},
		}},
		{UserID: "id4", Code: client.CodeNoAccount, Info: client.CodeNoAccount.Text()},
	}
	c, _ := scripted(t, client.Options{}, body(200, sample), body(200, strings.Replace(sample, `"Status":"Online","C`, `"State":"Online","C`, 1)))
	q := client.StatusQuery{UserIDs: []string{"id1", "id4"}}
	got, err := c.QueryOnlineStatus(t.Context(), q)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("QueryOnlineStatus: %v (-want +got):\n%s", err, diff)
	}
	got, err = c.QueryState(t.Context(), q)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("QueryState: %v (-want +got):\n%s", err, diff)
	}
}

func TestProfile(t *testing.T) {
	for _, echo := range []bool{false, true} {
		t.Run(fmt.Sprint(echo), func(t *testing.T) { testProfile(t, client.Settings{EchoUnknownIDs: echo}) })
	}
}

func testProfile(t *testing.T, settings client.Settings) {
	srv := rollcalltest.NewServer(t, rollcalltest.WithSettings(settings))
	c, ctx := srv.Client, t.Context()
	if err := c.ImportAccount(ctx, client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	level, nick := client.Number(client.TagLevel, 7), client.Text(client.TagNick, "Alice")
	if err := c.SetProfile(ctx, "alice", nick, level); err != nil {
		t.Fatal(err)
	}
	if err := c.SetProfile(ctx, "alice", client.Number(client.TagNick, 1)); codeOf(err) != 40610 {
		t.Errorf("a number for a nick: %v, want 40610", err)
	}
	got, err := c.GetProfile(ctx, []string{"bob", "alice"})
	want := []client.Profile{
		{UserID: "bob", Code: client.CodeProfileNoAccount, Info: client.CodeProfileNoAccount.Text()},
		{UserID: "alice", Fields: []client.Field{nick, level}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("GetProfile: %v (-want +got):\n%s", err, diff)
	}
	if f, ok := got[1].Field(client.TagLevel); !ok || f.String() != "7" {
		t.Errorf("Field = %v, %v, want 7", f, ok)
	}
	if _, ok := got[1].Field(client.TagRole); ok {
		t.Error("Field found a tag that is not set")
	}
	if _, err := c.GetProfile(ctx, []string{"alice"}, "Tag_Nonsense"); codeOf(err) != client.CodeUnknownTag {
		t.Errorf("an unknown tag: %v, want %d", err, client.CodeUnknownTag)
	}
}

// TestWrongKey signs with a wrong key. The error contains the remedy.
func TestWrongKey(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	c, err := client.New(client.Options{BaseURL: srv.URL, SDKAppID: srv.SDKAppID, Key: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	err = c.Kick(t.Context(), "alice")
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != client.CodeSigMismatch || e.Advice == "" {
		t.Errorf("error %v, want 70009 and a remedy", err)
	}
}

// TestErrorText checks that an error contains the remedy once. A text of Rollcall may
// contain it already.
func TestErrorText(t *testing.T) {
	for info, want := range map[string]string{
		"Err_TLS_PT_Open_Login_Account_Not_Exist":     "kick: 70107 Err_TLS_PT_Open_Login_Account_Not_Exist — Import it. (request R)",
		"the account does not exist; import it first": "kick: 70107 the account does not exist; import it first (request R)",
		"the account is unknown":                      "kick: 70107 the account is unknown — Import it. (request R)",
		"":                                            "kick: 70107 — Import it. (request R)",
	} {
		e := &client.Error{Command: "kick", Code: client.CodeNoAccount, Info: info, Advice: "Import it.", RequestID: "R"}
		if info == "the account is unknown" {
			e.Advice = "The account is unknown. Import it."
		}
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
