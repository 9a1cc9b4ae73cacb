package webhook_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/webhook"
)

// bodies are the documented bodies (protocol-sessions.md §5, §6, §7), and those at the
// edges of the rules.
var bodies = []struct {
	name string
	body webhook.Body
	want string
}{
	{
		"login",
		webhook.StateChange{
			EventTime:    1629883332497,
			Info:         webhook.StateInfo{Action: webhook.Login, ToAccount: "testuser316", Reason: webhook.Register},
			KickedDevice: []webhook.Device{{Platform: webhook.Windows}, {Platform: webhook.Android}},
		},
		`{"CallbackCommand":"State.StateChange","EventTime":1629883332497,"Info":{"Action":"Login","To_Account":"testuser316","Reason":"Register"},"KickedDevice":[{"Platform":"Windows"},{"Platform":"Android"}]}`,
	},
	{
		"custom status",
		webhook.StateChange{
			EventTime: 1629883332497,
			Info: webhook.StateInfo{
				Action: webhook.CustomStatusChange, ToAccount: "testuser316", Reason: webhook.SetCustomStatus, CustomStatus: "busy",
			},
		},
		`{"CallbackCommand":"State.StateChange","EventTime":1629883332497,"Info":{"Action":"CustomStatusChange","To_Account":"testuser316","Reason":"SetCustomStatus","CustomStatus":"busy"}}`,
	},
	{
		"custom status cleared",
		webhook.StateChange{Info: webhook.StateInfo{Action: webhook.CustomStatusChange, ToAccount: "a", Reason: webhook.SetCustomStatus}},
		`{"CallbackCommand":"State.StateChange","EventTime":0,"Info":{"Action":"CustomStatusChange","To_Account":"a","Reason":"SetCustomStatus","CustomStatus":""}}`,
	},
	{
		"profile",
		webhook.PortraitSet{
			OperatorAccount: "id1", FromAccount: "id1", EventTime: 1656921052497,
			ProfileItem: []webhook.Field{
				{Tag: "Tag_Profile_IM_Nick", Text: "nick1"},
				{Tag: "Tag_Profile_Custom_Data", Text: "..."},
			},
		},
		`{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"id1","From_Account":"id1","EventTime":1656921052497,"ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"nick1"},{"Tag":"Tag_Profile_Custom_Data","Value":"..."}]}`,
	},
	{
		"profile with a number, and letters that package json escapes",
		webhook.PortraitSet{
			OperatorAccount: "administrator", FromAccount: "<a>&b",
			ProfileItem: []webhook.Field{
				{Tag: "Tag_Profile_IM_Level", Number: 18446744073709551615, IsNumber: true},
				{Tag: "Tag_Profile_IM_Nick", Text: "<张三> & \"\\\n\u2028"},
			},
		},
		`{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"administrator","From_Account":"<a>&b","EventTime":0,"ProfileItem":[{"Tag":"Tag_Profile_IM_Level","Value":18446744073709551615},{"Tag":"Tag_Profile_IM_Nick","Value":"<张三> & \"\\\n` + "\u2028" + `"}]}`,
	},
	{
		"profile without items",
		webhook.PortraitSet{},
		`{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"","From_Account":"","EventTime":0,"ProfileItem":[]}`,
	},
	{
		"over limit",
		webhook.OverLimit{ServiceName: "openim", Command: "batchsendmsg", Request: 510, Limit: 200},
		`{"CallbackCommand":"Alert.RequestOverLimit","ServiceName":"openim","Command":"batchsendmsg","Request":510,"Limit":200}`,
	},
}

func TestAppendJSON(t *testing.T) {
	for _, tt := range bodies {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(tt.body.AppendJSON([]byte("before "))); got != "before "+tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			marshalled, err := json.Marshal(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			var escaped bytes.Buffer
			json.HTMLEscape(&escaped, []byte(tt.want))
			if string(marshalled) != escaped.String() {
				t.Errorf("json.Marshal: got  %s\nwant %s", marshalled, &escaped)
			}
		})
	}
}

// TestStrings compares strings with those of the library that encodes responses.
func TestStrings(t *testing.T) {
	var all []rune
	for r := range rune(0x3000) {
		all = append(all, r)
	}
	for _, text := range []string{"", string(all), "\U0001F600", "a\xffb\xc3"} {
		quoted, _ := jsontext.AppendQuote(nil, text) // an error for text that is not UTF-8, and the text with U+FFFD
		got := webhook.OverLimit{ServiceName: text}.AppendJSON(nil)
		want := `{"CallbackCommand":"Alert.RequestOverLimit","ServiceName":` + string(quoted) + `,"Command":"","Request":0,"Limit":0}`
		if string(got) != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
