package api

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/calls"
	"rollcall/internal/faults"
	"rollcall/internal/httpx"
	"rollcall/internal/testutil"
	"rollcall/internal/wire"
)

// A seen is what a client sees of one call.
type seen struct {
	status int
	body   string
	broken bool // the connection was cut
	fault  string
}

// faultClient calls a test app of a server over a connection.
type faultClient struct {
	*testing.T
	f   *fixture
	url string
}

func newFaultClient(t *testing.T) *faultClient {
	t.Helper()
	f := newFixture(t, account.App{ID: openApp, Test: true})
	srv := httptest.NewServer(httpx.Handler(testutil.Logger(t), func(w http.ResponseWriter, r *http.Request) error {
		f.ServeHTTP(w, r)
		return nil
	}, nil))
	t.Cleanup(srv.Close)
	return &faultClient{t, f, srv.URL}
}

// inject replaces the faults of the app by fault.
func (c *faultClient) inject(fault faults.Fault) {
	c.Helper()
	if err := fault.Check(wire.CommandNames()); err != nil {
		c.Fatal(err)
	}
	c.f.faults.Clear(uint32(openApp))
	if _, err := c.f.faults.Add(uint32(openApp), fault); err != nil {
		c.Fatal(err)
	}
}

// post sends a body to a command and returns what a client sees.
func (c *faultClient) post(command, body string) (s seen) {
	c.Helper()
	query := params(openApp, "administrator", sign(c.T, testKey, openApp, "administrator", c.f.time.Unix()))
	resp, err := http.Post(c.url+"/v4/im_open_login_svc/"+command+"?"+query, "application/json", strings.NewReader(body))
	if err != nil {
		return seen{broken: true}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return seen{status: resp.StatusCode, body: string(b), broken: err != nil, fault: resp.Header.Get("Rollcall-Fault")}
}

// exists reports whether the app has an account.
func (c *faultClient) exists(id account.UserID) bool {
	c.Helper()
	_, err := c.f.dir.Account(c.Context(), openApp, id)
	return err == nil
}

// TestFaults imports an account under each kind of fault.
func TestFaults(t *testing.T) {
	c := newFaultClient(t)
	const success = `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`
	for name, test := range map[string]struct {
		fault   faults.Fault
		status  int
		body    string
		broken  bool
		created bool
	}{
		"code":               {faults.Fault{Code: 70398}, 200, `{"ActionStatus":"FAIL","ErrorInfo":"Err_TLS_Account_Num_Exceed_Threshold[70398]","ErrorCode":70398}`, false, false},
		"code of the gate":   {faults.Fault{Code: 70001}, 200, `{"ActionStatus":"FAIL","ErrorCode":70001,"ErrorInfo":"The UserSig in use is expired. Please regenerate it, with a validity of at least 24 hours."}`, false, false},
		"rate":               {faults.Fault{Code: 60007}, 200, `{"ActionStatus":"FAIL","ErrorCode":60007,"ErrorInfo":"too many calls of this command in a second; slow down"}`, false, false},
		"unknown code":       {faults.Fault{Code: 12345}, 200, `{"ActionStatus":"FAIL","ErrorInfo":"a fault of the test app answers this code","ErrorCode":12345}`, false, false},
		"code and text":      {faults.Fault{Code: 70500, Info: "maintenance"}, 200, `{"ActionStatus":"FAIL","ErrorInfo":"maintenance","ErrorCode":70500}`, false, false},
		"code after the run": {faults.Fault{Code: 70169, Run: true}, 200, `{"ActionStatus":"FAIL","ErrorInfo":"the server timed out; repeat the call, which is safe","ErrorCode":70169}`, false, true},
		"status":             {faults.Fault{Status: 502}, 502, "<html><head><title>502 Bad Gateway</title></head><body></body></html>\n", false, false},
		"status and code":    {faults.Fault{Status: 503, Code: 70500, Info: "x"}, 503, `{"ActionStatus":"FAIL","ErrorInfo":"x","ErrorCode":70500}`, false, false},
		"status after it":    {faults.Fault{Status: 504, Run: true}, 504, "<html><head><title>504 Gateway Timeout</title></head><body></body></html>\n", false, true},
		"cut":                {faults.Fault{Cut: faults.CutBefore}, 0, "", true, false},
		"cut after the run":  {faults.Fault{Cut: faults.CutBefore, Run: true}, 0, "", true, true},
		"cut in the middle":  {faults.Fault{Cut: faults.CutMiddle}, 200, success[:len(success)/2], true, true},
		"a short delay":      {faults.Fault{DelayMS: 1}, 200, success, false, true},
		"another command":    {faults.Fault{Code: 70500, Command: "kick"}, 200, success, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			c.inject(test.fault)
			id := account.UserID("u-" + strings.ReplaceAll(name, " ", "-"))
			got := c.post("account_import", `{"UserID":"`+string(id)+`"}`)
			if got.status != test.status || got.body != test.body || got.broken != test.broken {
				t.Errorf("seen %+v", got)
			}
			if c.exists(id) != test.created {
				t.Errorf("the account exists: %v", !test.created)
			}
			found, _ := c.f.calls.Newest(calls.Filter{App: uint32(openApp)}, 1)
			active := c.f.faults.List(uint32(openApp))[0]
			if test.fault.Command == "" && (found[0].Fault != active.ID || active.Hit != 1 || found[0].Status != got.status || found[0].Request.Bytes == 0) {
				t.Errorf("kept %+v of the fault %+v", found[0], active)
			}
			if !test.broken && (got.fault != "") != (test.fault.Command == "") {
				t.Errorf("Rollcall-Fault is %q", got.fault)
			}
		})
	}
}

// TestFaultsOfItems fails some items of batches. The others must be done, and the failed
// ones must not.
func TestFaultsOfItems(t *testing.T) {
	c := newFaultClient(t)
	tried := map[string]bool{}
	for _, test := range []struct {
		fault         faults.Fault
		command, body string
		want          string // a part of the response
		exist, absent []account.UserID
	}{
		{
			faults.Fault{FailItems: 2, ItemCode: 70398},
			"multiaccount_import", `{"Accounts":["a1","a2","a3"]}`,
			`"FailAccounts":["a1","a2"]`,
			[]account.UserID{"a3"},
			[]account.UserID{"a1", "a2"},
		},
		{
			faults.Fault{FailItems: 9},
			"multiaccount_import", `{"Accounts":["b1","b2"]}`,
			`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":["b1","b2"]}`, nil,
			[]account.UserID{"b1", "b2"},
		},
		{
			faults.Fault{FailUserIDs: []string{"c2"}, ItemCode: 70402},
			"multiaccount_import", `{"AccountList":[{"UserID":"c1"},{"UserID":"c2"},{"UserID":"@c"}]}`,
			`"FailAccounts":["c2","@c"]`,
			[]account.UserID{"c1"},
			[]account.UserID{"c2"},
		},
		{
			faults.Fault{FailUserIDs: []string{"a3"}, ItemCode: 70500},
			"account_check", `{"CheckItem":[{"UserID":"a3"},{"UserID":"c1"}]}`,
			`[{"UserID":"a3","ResultCode":70500,"ResultInfo":"internal error; repeat the call","AccountStatus":"NotImported"},{"UserID":"c1","ResultCode":0,`, nil, nil,
		},
		{
			faults.Fault{FailUserIDs: []string{"a3"}},
			"account_delete", `{"DeleteItem":[{"UserID":"a3"},{"UserID":"c1"}]}`,
			`[{"ResultCode":70500,"ResultInfo":"internal error; repeat the call","UserID":"a3"},{"ResultCode":0,"ResultInfo":"","UserID":"c1"}]`,
			[]account.UserID{"a3"},
			[]account.UserID{"c1"},
		},
	} {
		test.fault.Command = test.command
		tried[test.command] = true
		c.inject(test.fault)
		got := c.post(test.command, test.body)
		if !strings.Contains(got.body, test.want) {
			t.Errorf("%s under %+v: %s, want %s", test.command, test.fault, got.body, test.want)
		}
		for _, id := range test.exist {
			if !c.exists(id) {
				t.Errorf("%s under %+v: %s does not exist", test.command, test.fault, id)
			}
		}
		for _, id := range test.absent {
			if c.exists(id) {
				t.Errorf("%s under %+v: %s exists", test.command, test.fault, id)
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(faults.ItemCommands)), slices.Sorted(maps.Keys(tried))); diff != "" {
		t.Errorf("commands (-faults.ItemCommands +tried):\n%s", diff)
	}
}

// TestFaultsOfEveryItem checks that an app that wants it gets the code of a fault that
// fails all items.
func TestFaultsOfEveryItem(t *testing.T) {
	f := newFixture(t, account.App{ID: openApp, Test: true, Settings: account.Settings{FailWhollyFailed: true}})
	if _, err := f.faults.Add(uint32(openApp), faults.Fault{FailItems: 9, ItemCode: 70398}); err != nil {
		t.Fatal(err)
	}
	if c := f.tryCall(t, openApp, "multiaccount_import", `{"Accounts":["a","b"]}`); c.Code != 70398 {
		t.Errorf("%+v", c)
	}
}

// TestFaultsComeAfterTheGate checks that a refused call does not use up a fault.
func TestFaultsComeAfterTheGate(t *testing.T) {
	f := newFixture(t, account.App{ID: openApp, Test: true})
	if _, err := f.faults.Add(uint32(openApp), faults.Fault{Code: 70500, Times: 1}); err != nil {
		t.Fatal(err)
	}
	bad := request("POST", "/v4/im_open_login_svc/kick", params(openApp, "administrator", "nonsense"), `{"UserID":"a"}`)
	if got := f.post(t, bad); *got.ErrorCode != 70003 {
		t.Errorf("a bad UserSig = %d", *got.ErrorCode)
	}
	if active := f.faults.List(uint32(openApp))[0]; active.Hit+active.Passed != 0 {
		t.Errorf("the fault has counted: %+v", active)
	}
}

// TestDelay checks that a delayed response comes after the delay, which the kept call
// does not count.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, account.App{ID: openApp, Test: true})
		f.time = time.Now()
		if _, err := f.faults.Add(uint32(openApp), faults.Fault{DelayMS: 60_000}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		c := f.tryCall(t, openApp, "account_check", `{"CheckItem":[{"UserID":"al"}]}`)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("the response came after %v", d)
		}
		if c.TookUS != 0 {
			t.Errorf("the kept call took %d µs", c.TookUS)
		}
	})
}
