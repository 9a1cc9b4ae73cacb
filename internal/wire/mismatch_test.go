package wire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestMismatch(t *testing.T) {
	const text = "a JSON string"
	for _, test := range []struct {
		name, body string
		mismatch   Mismatch
		req        any
		want       string
	}{
		{
			"another case", `{"CheckItem":[{"UserId":"alice"}]}`,
			Mismatch{At: "/CheckItem/0/UserID", Want: text},
			CheckRequest{},
			"CheckItem[0].UserID is missing, and UserId was found: keys are case-sensitive; write UserID",
		},
		{
			"all lower case", `{"userid":"alice"}`,
			Mismatch{At: "/UserID", Also: "Identifier", Want: text},
			new(ImportRequest),
			"UserID is missing, and userid was found: keys are case-sensitive; write UserID",
		},
		{
			"the other name", `{"identifier":"alice"}`,
			Mismatch{At: "/UserID", Also: "Identifier", Want: text},
			new(ImportRequest),
			"Identifier is missing, and identifier was found: keys are case-sensitive; write Identifier",
		},
		{
			"another separator", `{"user_id":"alice"}`,
			Mismatch{At: "/UserID", Want: text},
			new(KickRequest),
			"UserID is missing, and user_id was found; write UserID",
		},
		{
			"a slip", `{"ChekItem":[]}`,
			Mismatch{At: "/CheckItem", Want: "an array"},
			CheckRequest{},
			"CheckItem is missing, and ChekItem was found; write CheckItem",
		},
		{
			"an older form in lower case", `{"accounts":["alice"]}`,
			Mismatch{At: "/AccountList", Also: "Accounts", Want: "an array"},
			MultiImportRequest{},
			"Accounts is missing, and accounts was found: keys are case-sensitive; write Accounts",
		},
		{
			"a key of other commands", `{"AccountList":[{"Nick":"n","Identifier":"alice"}]}`,
			Mismatch{At: "/AccountList/0/UserID", Want: text},
			MultiImportRequest{},
			"AccountList[0].UserID is missing, and Identifier was found, which is a key of account_import and kick; write UserID, a JSON string",
		},
		{
			"the whole body of another", `{"To_Account":["alice"]}`,
			Mismatch{At: "/CheckItem", Want: "an array"},
			CheckRequest{},
			"CheckItem is missing, and To_Account was found, which is a key of query_online_status, querystate and portrait_get; write CheckItem, an array",
		},
		{
			"a key inside that of another", `{"UserID":"alice"}`,
			Mismatch{At: "/CheckItem", Want: "an array"},
			CheckRequest{},
			"CheckItem is missing, and UserID was found, which is a key of account_import, multiaccount_import, account_check, account_delete, kick and create_robot; write CheckItem, an array",
		},
		{
			"something else", `{"name":"alice"}`,
			Mismatch{At: "/UserID", Want: text},
			new(KickRequest),
			"UserID is missing, and name was found; add UserID",
		},
		{
			"an odd key", `{"é\"":1}`,
			Mismatch{At: "/UserID", Want: text},
			new(KickRequest),
			`UserID is missing, and "\u00e9\"" was found; add UserID`,
		},
		{
			"only keys that belong there", `{"Nick":"n"}`,
			Mismatch{At: "/UserID", Want: text},
			new(ImportRequest),
			"UserID is missing; add it, a JSON string",
		},
		{
			"nothing", `{}`,
			Mismatch{At: "/UserID", Want: text},
			new(ImportRequest),
			"UserID is missing; add it, a JSON string",
		},
		{
			"a number", `{"AccountList":[{"UserID":"a"},{"UserID":"b","Nick":7}]}`,
			Mismatch{At: "/AccountList/1/Nick", Want: text},
			MultiImportRequest{},
			"AccountList[1].Nick is a number; send a JSON string",
		},
		{
			"null", `{"Accounts":["a",null]}`,
			Mismatch{At: "/Accounts/1", Want: text},
			MultiImportRequest{},
			"Accounts[1] is null; send a JSON string",
		},
		{
			"a string for a list", `{"To_Account":"a"}`,
			Mismatch{At: "/To_Account", Want: "an array"},
			StatusRequest{},
			"To_Account is a string; send an array",
		},
		{
			"a string for an object", `{"CheckItem":["a"]}`,
			Mismatch{At: "/CheckItem/0", Want: "an object"},
			CheckRequest{},
			"CheckItem[0] is a string; send an object",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.mismatch.Explain([]byte(test.body), test.req); got != test.want {
				t.Errorf("Explain(%s)\n got: %s\nwant: %s", test.body, got, test.want)
			}
		})
	}
}

// TestMismatchOfEveryKey misspells every key of every command.
func TestMismatchOfEveryKey(t *testing.T) {
	keys := 0
	for _, c := range Commands {
		root := reflect.TypeOf(c.Request)
		for _, key := range fieldsOf(root) {
			keys++
			for _, other := range []string{strings.ToLower(key), strings.ToUpper(key)} {
				m := Mismatch{At: jsontext.Pointer("/" + key), Want: "it"}
				got := m.Explain([]byte(`{"x":1,"`+other+`":[]}`), c.Request)
				if want := key + " is missing, and " + other + " was found: keys are case-sensitive; write " + key; got != want {
					t.Errorf("%s: %s\nwant %s", c.Name, got, want)
				}
			}
		}
	}
	if keys < 20 {
		t.Errorf("only %d keys were misspelt", keys)
	}
}

// TestMismatchLooksAtFewKeys puts the meant key behind others, because only the
// first 64 are compared.
func TestMismatchLooksAtFewKeys(t *testing.T) {
	for before, want := range map[int]string{
		63: "CheckItem is missing, and checkitem was found: keys are case-sensitive; write CheckItem",
		64: "CheckItem is missing, and x0 was found; add CheckItem",
	} {
		var body strings.Builder
		for i := range before {
			fmt.Fprintf(&body, `"x%d":1,`, i)
		}
		got := Mismatch{At: "/CheckItem", Want: "it"}.Explain([]byte("{"+body.String()+`"checkitem":[]}`), CheckRequest{})
		if got != want {
			t.Errorf("after %d keys: %s, want %s", before, got, want)
		}
	}
}

func TestClosestName(t *testing.T) {
	names := []string{"Tag_Profile_IM_Nick", "Tag_Profile_IM_BirthDay", "Tag_Profile_Custom_a", "ab"}
	for text, want := range map[string]string{
		"Tag_Profile_IM_Nick": "Tag_Profile_IM_Nick", "tag_profile_im_birthday": "Tag_Profile_IM_BirthDay", "Tag_Profile_IM_Nik": "Tag_Profile_IM_Nick",
		"Tag_Profile_Custom_b": "Tag_Profile_Custom_a", "Tag_Profile_IM_Nothing": "", "": "", "a": "", "abc": "", "AB": "ab", strings.Repeat("_", 1<<20) + "ab": "",
	} {
		if got := ClosestName(text, names); got != want {
			t.Errorf("ClosestName(%.40q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzMismatch(f *testing.F) {
	f.Add(`{"accounts":["a"]}`, "/AccountList/3/UserID")
	f.Add(`{"CheckItem":[{"UserId":"a"}]}`, "/CheckItem/0/UserID")
	f.Fuzz(func(t *testing.T, body, at string) {
		if len(at) > 100 || Decode([]byte(body), new(MultiImportRequest)) != nil {
			return
		}
		got := Mismatch{At: jsontext.Pointer(at), Also: "Accounts", Want: "it"}.Explain([]byte(body), MultiImportRequest{})
		if got == "" || len(got) > 2*maxDiagnosis || !printable(got) {
			t.Errorf("Explain(%q, %q) = %q", body, at, got)
		}
	})
}
