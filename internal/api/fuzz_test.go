package api

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

func FuzzQuery(f *testing.F) {
	fx := newFixture(f, account.App{ID: plainApp, Settings: account.Settings{RateMode: account.RateOff}})
	good := params(plainApp, "administrator", sign(f, testKey, plainApp, "administrator", fx.time.Unix()))
	for _, seed := range []string{
		"", good, good + "&random=1&contenttype=json", "sdkappid=1400000001&identifier=a;b&usersig=%", "%zz=1",
		"sdkappid=1400000001&identifier=administrator&usersig=eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJEpycxNVbIyNEcVTa0oyCxKVbKyMDOBCRVnpitZKVX6OKZql5uHh6aGlhYmhVlm6IdEmFuUGhnmh7hnamdaRhUYlhoHFORFmhnYKtUCAK0SM5I_",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := fx.post(t, request("POST", "/v4/im_open_login_svc/account_check", raw, `{"CheckItem":[{"UserID":"administrator"}]}`))
		_, err := parseQuery(raw, new([]byte))
		if err != nil && *got.ErrorCode != int(wire.HTTPParse) {
			t.Errorf("a query with a broken escape = %d, want %d", *got.ErrorCode, wire.HTTPParse)
		}
	})
}

func FuzzBodyAccountImport(f *testing.F) {
	fuzzBody(f, "im_open_login_svc/account_import", `{"UserID":"a","Nick":"n","FaceUrl":"f"}`, `{"Identifier":"a","Type":0}`)
}

func FuzzBodyMultiaccountImport(f *testing.F) {
	fuzzBody(f, "im_open_login_svc/multiaccount_import", `{"Accounts":["a","b"]}`, `{"AccountList":[{"UserID":"a","Nick":"n"}]}`)
}

func FuzzBodyAccountCheck(f *testing.F) {
	fuzzBody(f, "im_open_login_svc/account_check", `{"CheckItem":[{"UserID":"seed"},{"UserID":""}]}`)
}

func FuzzBodyAccountDelete(f *testing.F) {
	fuzzBody(f, "im_open_login_svc/account_delete", `{"DeleteItem":[{"UserID":"seed"},{"UserID":"x"}]}`)
}

func FuzzBodyKick(f *testing.F) {
	fuzzBody(f, "im_open_login_svc/kick", `{"UserID":"seed"}`, `{"Identifier":"seed"}`)
}

func FuzzBodyQueryOnlineStatus(f *testing.F) {
	fuzzBody(f, "openim/query_online_status", `{"To_Account":["seed","x"],"IsNeedDetail":1}`)
}

func FuzzBodyQueryState(f *testing.F) {
	fuzzBody(f, "openim/querystate", `{"To_Account":["seed","x"],"IsReturnCustomStatus":1}`)
}

func FuzzBodyPortraitSet(f *testing.F) {
	fuzzBody(f, "profile/portrait_set", `{"From_Account":"seed","ProfileItem":[{"Tag":"Tag_Profile_IM_Level","Value":7}]}`)
}

func FuzzBodyPortraitGet(f *testing.F) {
	fuzzBody(f, "profile/portrait_get", `{"To_Account":["seed","x"],"TagList":["Tag_Profile_IM_Nick"]}`)
}

func FuzzBodySetMute(f *testing.F) {
	fuzzBody(f, "openconfigsvr/setnospeaking", `{"Set_Account":"seed","C2CmsgNospeakingTime":4294967295,"GroupmsgNospeakingTime":7200}`)
}

func FuzzBodyGetMute(f *testing.F) {
	fuzzBody(f, "openconfigsvr/getnospeaking", `{"Get_Account":"seed"}`)
}

func FuzzBodyGetAppInfo(f *testing.F) {
	fuzzBody(f, "openconfigsvr/getappinfo", `{"RequestField":["ChainIncrease","Date","x"]}`)
}

func FuzzBodyCreateRobot(f *testing.F) {
	fuzzBody(f, "openim_robot_http_svc/create_robot", `{"UserID":"@RBT#1","Nick":"n","FaceUrl":"f","SelfSignature":"s"}`)
}

func FuzzBodyDeleteRobot(f *testing.F) {
	fuzzBody(f, "openim_robot_http_svc/delete_robot", `{"Robot_Account":"@RBT#1"}`)
}

// fuzzBody sends bodies to one command. The response must be complete for any
// body, and a body that breaks the rules of encoding must change nothing.
func fuzzBody(f *testing.F, command string, seeds ...string) {
	for _, seed := range append(seeds, ``, `{}`, `null`, `{"UserID":1}`, `{"a":1,"a":1}`, strings.Repeat(`{"a":`, 33)+`1`+strings.Repeat(`}`, 33)) {
		f.Add(seed)
	}
	app := account.App{ID: plainApp, Settings: account.Settings{RateMode: account.RateOff}}
	sig := sign(f, testKey, plainApp, "administrator", 1700000000)
	f.Fuzz(func(t *testing.T, body string) {
		fx := newFixture(t, app)
		fx.seed(t)
		before := fx.accounts(t)
		got := fx.post(t, request("POST", "/v4/"+command, params(plainApp, "administrator", sig), body))
		if wellEncoded(body) {
			return
		}
		if *got.ErrorCode == 0 {
			t.Errorf("%q was accepted as a body", body)
		}
		if diff := cmp.Diff(before, fx.accounts(t)); diff != "" {
			t.Errorf("%q changed the store (-before +after):\n%s", body, diff)
		}
	})
}

func (f *fixture) seed(tb testing.TB) {
	tb.Helper()
	items := []account.Upsert{{ID: "seed", Nick: "n"}}
	if _, err := f.store.Upsert(tb.Context(), plainApp, items, account.UpsertPolicy{Now: f.time}); err != nil {
		tb.Fatal(err)
	}
}

func (f *fixture) accounts(tb testing.TB) []account.Account {
	tb.Helper()
	page, err := f.store.List(tb.Context(), plainApp, account.ListQuery{Limit: account.MaxListLimit})
	if err != nil {
		tb.Fatal(err)
	}
	return page.Accounts
}

// wellEncoded implements the rule as it is written: one object of strictly
// valid JSON with at most 32 levels.
func wellEncoded(body string) bool {
	v := jsontext.Value(body)
	if v.Kind() != jsontext.KindBeginObject || !v.IsValid() {
		return false
	}
	dec := jsontext.NewDecoder(strings.NewReader(body))
	for {
		if _, err := dec.ReadToken(); err != nil {
			return true
		}
		if dec.StackDepth() > 32 {
			return false
		}
	}
}
