package wire

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// nested returns an object whose innermost value is at the given depth.
func nested(depth int) string {
	return `{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func TestDecodeStrictness(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       error
	}{
		{"object", `{"UserID":"a"}`, nil},
		{"empty object", `{}`, nil},
		{"white space around", " \t\r\n{}\n", nil},
		{"unknown field", `{"UserID":"a","Type":0,"x":{"y":[1]}}`, nil},
		{"depth 32", nested(MaxDepth), nil},
		{"depth 33", nested(MaxDepth + 1), ErrJSON},
		{"nothing", ``, ErrEmpty},
		{"white space only", " \r\n\t", ErrEmpty},
		{"null", `null`, ErrJSON},
		{"array", `[]`, ErrJSON},
		{"string", `"a"`, ErrJSON},
		{"cut off", `{"UserID":"a"`, ErrJSON},
		{"trailing comma", `{"UserID":"a",}`, ErrJSON},
		{"second value", `{}{}`, ErrJSON},
		{"text after", `{} x`, ErrJSON},
		{"duplicate key", `{"UserID":"a","UserID":"b"}`, ErrJSON},
		{"duplicate key by escape", `{"UserID":"a","User\u0049D":"b"}`, ErrJSON},
		{"duplicate unknown key", `{"x":1,"x":2}`, ErrJSON},
		{"duplicate key inside", `{"x":{"y":1,"y":2}}`, ErrJSON},
		{"bad UTF-8 in a value", "{\"UserID\":\"\xff\"}", ErrJSON},
		{"bad UTF-8 in a key", "{\"\xff\":1}", ErrJSON},
		{"lone surrogate", `{"UserID":"\ud800"}`, ErrJSON},
		{"byte order mark", "\ufeff{}", ErrJSON},
		{"NaN", `{"x":NaN}`, ErrJSON},
		{"leading zero", `{"x":01}`, ErrJSON},
		{"comment", `{/**/}`, ErrJSON},
		{"raw line feed in a string", "{\"x\":\"\n\"}", ErrJSON},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := Decode([]byte(test.body), new(ImportRequest)); err != test.want {
				t.Errorf("Decode = %v, want %v", err, test.want)
			}
		})
	}
}

func TestDecodeKinds(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       Text
	}{
		{"text", `{"UserID":"a"}`, Text{"a", Valid}},
		{"empty text", `{"UserID":""}`, Text{"", Valid}},
		{"escapes", `{"UserID":"\u0061\n"}`, Text{"a\n", Valid}},
		{"absent", `{}`, Text{}},
		{"null is absent", `{"UserID":null}`, Text{}},
		{"keys are case-sensitive", `{"userid":"a","USERID":"b","UserId":"c"}`, Text{}},
		{"number", `{"UserID":1}`, Text{"", Wrong}},
		{"bool", `{"UserID":true}`, Text{"", Wrong}},
		{"array", `{"UserID":["a"]}`, Text{"", Wrong}},
		{"object", `{"UserID":{"UserID":"a"}}`, Text{"", Wrong}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var req ImportRequest
			if err := Decode([]byte(test.body), &req); err != nil {
				t.Fatal(err)
			}
			if req.UserID != test.want {
				t.Errorf("UserID = %+v, want %+v", req.UserID, test.want)
			}
		})
	}
}

func TestDecodeList(t *testing.T) {
	var req MultiImportRequest
	body := `{"AccountList":[{"UserID":"a"},1,null],"Accounts":null}`
	if err := Decode([]byte(body), &req); err != nil {
		t.Fatal(err)
	}
	want := MultiImportRequest{AccountList: List[Object[ImportItem]]{Kind: Valid, V: []Object[ImportItem]{
		{V: ImportItem{UserID: Text{"a", Valid}}, Kind: Valid}, {Kind: Wrong}, {Kind: Absent},
	}}}
	if diff := cmp.Diff(want, req); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestDecodeScalar(t *testing.T) {
	for value, want := range map[string]Scalar{
		`"x"`:                  {Text: "x", Kind: Valid},
		`0`:                    {IsNumber: true, Kind: Valid},
		`18446744073709551615`: {Number: 1<<64 - 1, IsNumber: true, Kind: Valid},
		`18446744073709551616`: {Kind: Wrong},
		`-1`:                   {Kind: Wrong},
		`1.0`:                  {Kind: Wrong},
		`true`:                 {Kind: Wrong},
		`[]`:                   {Kind: Wrong},
		`null`:                 {},
	} {
		var item ProfileItem
		if err := Decode([]byte(`{"Value":`+value+`}`), &item); err != nil {
			t.Fatal(err)
		}
		if item.Value != want {
			t.Errorf("%s = %+v, want %+v", value, item.Value, want)
		}
	}
}

func TestDecodeSeconds(t *testing.T) {
	for value, want := range map[string]Seconds{
		`0`:            {0, Valid},
		`7200`:         {7200, Valid},
		`4294967295`:   {1<<32 - 1, Valid},
		`4294967296`:   {Kind: Wrong},
		`-1`:           {Kind: Wrong},
		`1.0`:          {Kind: Wrong},
		`1e3`:          {Kind: Wrong},
		`"1"`:          {Kind: Wrong},
		`[1]`:          {Kind: Wrong},
		`{"a":[1,{}]}`: {Kind: Wrong},
		`true`:         {Kind: Wrong},
		`null`:         {},
	} {
		var req SetMuteRequest
		if err := Decode([]byte(`{"C2CmsgNospeakingTime":`+value+`,"GroupmsgNospeakingTime":1}`), &req); err != nil {
			t.Fatal(err)
		}
		if req.C2CmsgNospeakingTime != want || req.GroupmsgNospeakingTime != (Seconds{1, Valid}) {
			t.Errorf("%s = %+v, want %+v", value, req.C2CmsgNospeakingTime, want)
		}
	}
}

func TestDecodeFlag(t *testing.T) {
	for value, want := range map[string]Flag{`1`: true, `0`: false, `2`: false, `true`: false, `"1"`: false, `null`: false} {
		var req StatusRequest
		if err := Decode([]byte(`{"IsNeedDetail":`+value+`}`), &req); err != nil {
			t.Fatal(err)
		}
		if req.IsNeedDetail != want {
			t.Errorf("%s = %v, want %v", value, req.IsNeedDetail, want)
		}
	}
}

func TestEncode(t *testing.T) {
	for _, test := range []struct {
		name string
		v    any
		want string
	}{
		{"no HTML escaping", Head{StatusFail, 1, "<a>&'\u2028"}, "{\"ActionStatus\":\"FAIL\",\"ErrorCode\":1,\"ErrorInfo\":\"<a>&'\u2028\"}"},
		{"nil slice", MultiImportResponse{Head: Success}, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`},
		{"info first", InfoFirst.Fail(7, "x"), `{"ActionStatus":"FAIL","ErrorInfo":"x","ErrorCode":7}`},
		{"profile", ProfileLayout.Fail(7, "x"), `{"ActionStatus":"FAIL","ErrorCode":7,"ErrorInfo":"x","ErrorDisplay":""}`},
		{"number value", TagValue{"t", Scalar{Number: 7, IsNumber: true}}, `{"Tag":"t","Value":7}`},
		{"text value", TagValue{"t", Scalar{Text: "7"}}, `{"Tag":"t","Value":"7"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Encode(test.v)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("Encode = %s, want %s", got, test.want)
			}
		})
	}
}

// FuzzDecode compares Decode with the rules as they are written: a body is one
// strictly valid JSON object of at most MaxDepth levels.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"AccountList":[{"UserID":"a","Nick":null}],"Accounts":[1]}`, nested(MaxDepth), nested(MaxDepth + 1),
		`{"a":1,"a":2}`, "{\"Accounts\":[\"\xff\"]}", `{} {}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var req MultiImportRequest
		err := Decode(body, &req)
		if want := acceptable(body); (err == nil) != want {
			t.Errorf("Decode = %v, want acceptance %v", err, want)
		}
		for _, text := range req.Accounts.V {
			if !utf8.ValidString(text.V) {
				t.Errorf("%q passed as UTF-8", text.V)
			}
		}
	})
}

func acceptable(body []byte) bool {
	v := jsontext.Value(body)
	return v.Kind() == jsontext.KindBeginObject && v.IsValid() && depth(body) <= MaxDepth
}

// depth returns the deepest nesting of body, which is valid JSON.
func depth(body []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
