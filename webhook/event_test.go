package webhook_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/webhook"
)

// sameAddress compares addresses.
var sameAddress = cmpopts.EquateComparable(netip.Addr{})

func TestParseBodies(t *testing.T) {
	for _, tt := range bodies {
		if strings.Contains(tt.name, "without items") {
			continue // it names no account
		}
		t.Run(tt.name, func(t *testing.T) {
			command := tt.body.CallbackCommand()
			got, err := webhook.Parse(url.Values{"CallbackCommand": {command}}, []byte(tt.want))
			if err != nil {
				t.Fatal(err)
			}
			want := &webhook.Event{Query: webhook.Query{Command: command}, Body: tt.body, JSON: []byte(tt.want)}
			if diff := cmp.Diff(want, got, sameAddress); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseQuery(t *testing.T) {
	const (
		login  = `{"CallbackCommand":"State.StateChange","EventTime":1,"Info":{"Action":"Login","To_Account":"a","Reason":"Register"}}`
		friend = `{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[]}`
	)
	state := webhook.StateChange{EventTime: 1, Info: webhook.StateInfo{Action: webhook.Login, ToAccount: "a", Reason: webhook.Register}}
	for _, tt := range []struct {
		name, query, body string
		want              webhook.Event
	}{
		{
			"documented", "SdkAppid=1400000001&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.7&OptPlatform=IOS", login,
			webhook.Event{Query: webhook.Query{1400000001, webhook.CommandStateChange, netip.MustParseAddr("192.0.2.7"), "IOS"}, Body: state},
		},
		{
			"order of the alphabet, IPv6", "CallbackCommand=State.StateChange&ClientIP=2001%3Adb8%3A%3A7&OptPlatform=Web&SdkAppid=1&contenttype=json", login,
			webhook.Event{Query: webhook.Query{1, webhook.CommandStateChange, netip.MustParseAddr("2001:db8::7"), webhook.Web}, Body: state},
		},
		{"no query", "", login, webhook.Event{Query: webhook.Query{Command: webhook.CommandStateChange}, Body: state}},
		{"no address", "ClientIP=", login, webhook.Event{Query: webhook.Query{Command: webhook.CommandStateChange}, Body: state}},
		{"address that is none", "ClientIP=somewhere", login, webhook.Event{Query: webhook.Query{Command: webhook.CommandStateChange}, Body: state}},
		{"other command", "CallbackCommand=Sns.CallbackFriendAdd", friend, webhook.Event{Query: webhook.Query{Command: "Sns.CallbackFriendAdd"}}},
		{"command in the query alone", "CallbackCommand=Sns.CallbackFriendAdd", "\r\n {}", webhook.Event{Query: webhook.Query{Command: "Sns.CallbackFriendAdd"}}},
		{
			"Info as an array, no EventTime", "", `{"CallbackCommand":"State.StateChange","Info": [{"Action":"Login","To_Account":"a","Reason":"Register"}]}`,
			webhook.Event{Query: webhook.Query{Command: webhook.CommandStateChange}, Body: webhook.StateChange{Info: state.Info}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			query, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := webhook.Parse(query, []byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.JSON = []byte(tt.body)
			if diff := cmp.Diff(&tt.want, got, sameAddress); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, query, body, want string }{
		{"empty", "", "", "the body is not a JSON object"},
		{"null", "CallbackCommand=a", "null", "the body is not a JSON object"},
		{"array", "CallbackCommand=a", "[]", "the body is not a JSON object"},
		{"cut", "CallbackCommand=a", `{"a":`, "the body: unexpected end of JSON input"},
		{"two values", "CallbackCommand=a", `{} {}`, "the body: invalid character '{' after top-level value"},
		{"no command", "", "{}", "CallbackCommand is missing"},
		{"empty command", "CallbackCommand=a", `{"CallbackCommand":""}`, "CallbackCommand is missing"},
		{"command of another type", "", `{"CallbackCommand":1}`, "the body: CallbackCommand must not be of the JSON type number"},
		{"two commands", "CallbackCommand=a", `{"CallbackCommand":"b"}`, `CallbackCommand is "a" in the URL and "b" in the body`},
		{"app", "SdkAppid=4294967296&CallbackCommand=a", "{}", `SdkAppid "4294967296" in the URL is not a number of an app`},
		{"no Info", "", `{"CallbackCommand":"State.StateChange"}`, "the body of State.StateChange: it has no Info with Action and To_Account"},
		{"no account", "", `{"CallbackCommand":"State.StateChange","Info":{"Action":"Login"}}`, "the body of State.StateChange: it has no Info with Action and To_Account"},
		{"no action", "", `{"CallbackCommand":"State.StateChange","Info":{"To_Account":"a"}}`, "the body of State.StateChange: it has no Info with Action and To_Account"},
		{"two Infos", "", `{"CallbackCommand":"State.StateChange","Info":[{},{}]}`, "the body of State.StateChange: the array of Info has 2 objects, want one"},
		{"no Infos", "", `{"CallbackCommand":"State.StateChange","Info":[]}`, "the body of State.StateChange: the array of Info has 0 objects, want one"},
		{"time of another type", "", `{"CallbackCommand":"State.StateChange","EventTime":"1"}`, "the body of State.StateChange: EventTime must not be of the JSON type string"},
		{"no profile", "", `{"CallbackCommand":"Profile.CallbackPortraitSet"}`, "the body of Profile.CallbackPortraitSet: it has no From_Account"},
		{"value", "", `{"CallbackCommand":"Profile.CallbackPortraitSet","ProfileItem":[{"Tag":"T","Value":-1}]}`, `the body of Profile.CallbackPortraitSet: the Value of "T" is neither a string nor a whole number from 0 up`},
		{"no value", "", `{"CallbackCommand":"Profile.CallbackPortraitSet","ProfileItem":[{"Tag":"T"}]}`, `the body of Profile.CallbackPortraitSet: the Value of "T" is neither a string nor a whole number from 0 up`},
		{"no command of an alert", "", `{"CallbackCommand":"Alert.RequestOverLimit"}`, "the body of Alert.RequestOverLimit: it has no Command"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			query, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			e, err := webhook.Parse(query, []byte(tt.body))
			if want := "malformed webhook: " + tt.want; err == nil || err.Error() != want || !errors.Is(err, webhook.ErrMalformed) {
				t.Errorf("%+v, %v; want error %s", e, err, want)
			}
		})
	}
}

// FuzzParse parses any query and body. A typed body that was parsed is the same after it is
// encoded and parsed again.
func FuzzParse(f *testing.F) {
	for _, tt := range bodies {
		f.Add("SdkAppid=1400000001&ClientIP=192.0.2.7&CallbackCommand="+tt.body.CallbackCommand(), []byte(tt.want))
	}
	f.Add("", []byte(`{"CallbackCommand":"State.StateChange","Info":[{"Action":"Login","To_Account":"a"}]}`))
	f.Add("CallbackCommand=Sns.CallbackFriendAdd", []byte(`{}`))
	f.Fuzz(func(t *testing.T, rawQuery string, body []byte) {
		query, _ := url.ParseQuery(rawQuery) // as URL.Query does
		e, err := webhook.Parse(query, body)
		if err != nil {
			if !errors.Is(err, webhook.ErrMalformed) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("%q", err)
			}
			return
		}
		if e.Command == "" || string(e.JSON) != string(body) {
			t.Fatalf("%+v", e)
		}
		if e.Body == nil {
			return
		}
		encoded := e.Body.AppendJSON(nil)
		again, err := webhook.Parse(query, encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if diff := cmp.Diff(normal(e.Body), normal(again.Body), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s (-first +second):\n%s", encoded, diff)
		}
	})
}

// normal returns body without a custom status that is not sent.
func normal(body webhook.Body) webhook.Body {
	s, ok := body.(webhook.StateChange)
	if ok && s.Info.Action != webhook.CustomStatusChange {
		s.Info.CustomStatus = ""
		return s
	}
	return body
}
