package wire

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestExplainMissing(t *testing.T) {
	for _, test := range []struct{ query, name, want string }{
		{"", "sdkappid", "sdkappid is missing in the URL; add it"},
		{"SDKAppID", "sdkappid", "sdkappid is missing in the URL, and SDKAppID was found; write sdkappid"},
		{"sdk_app_id", "sdkappid", "sdkappid is missing in the URL, and sdk_app_id was found; write sdkappid"},
		{"sdkapid", "sdkappid", "sdkappid is missing in the URL, and sdkapid was found; write sdkappid"},
		{"appid", "sdkappid", "sdkappid is missing in the URL, and appid was found; write sdkappid"},
		{"sdkappid identifer", "identifier", "identifier is missing in the URL, and identifer was found; write identifier"},
		{"userid", "identifier", "identifier is missing in the URL, and userid was found; write identifier"},
		{"userid", "usersig", "usersig is missing in the URL; add it"},
		{"user_sig", "usersig", "usersig is missing in the URL, and user_sig was found; write usersig"},
		{"usersgi", "usersig", "usersig is missing in the URL, and usersgi was found; write usersig"},
		{"sig", "usersig", "usersig is missing in the URL, and sig was found; write usersig"},
		{"amp;usersig", "usersig", "usersig is missing in the URL, and amp;usersig was found: write & and not the &amp; of HTML"},
		{"random contenttype sdkappid", "usersig", "usersig is missing in the URL; add it"},
		// A letter that lower-cases to one of ASCII, at the end of a name of the maximum length.
		{strings.Repeat("_", 31) + "\u017fdkappid", "sdkappid", "sdkappid is missing in the URL; add it"},
		{"\u017fdkappid", "sdkappid", `sdkappid is missing in the URL, and "\u017fdkappid" was found; write sdkappid`},
		{"\xffsdkappid", "sdkappid", "sdkappid is missing in the URL; add it"},
		{strings.Repeat("x ", 64) + "appid", "sdkappid", "sdkappid is missing in the URL; add it"},
	} {
		got := ExplainMissing(strings.Fields(test.query), test.name, "add it")
		if got != test.want {
			t.Errorf("%q lacks %s: %s\nwant %s", test.query, test.name, got, test.want)
		}
	}
}

func FuzzExplainMissing(f *testing.F) {
	f.Add(strings.Repeat("_", 31) + "\u017fdkappid\xff")
	f.Add("amp;sdkappid&appid")
	f.Fuzz(func(t *testing.T, query string) {
		if got := ExplainMissing(strings.Split(query, "&"), "sdkappid", "add it"); !utf8.ValidString(got) || !printable(got) || len(got) > maxDiagnosis {
			t.Errorf("ExplainMissing(%q) = %q", query, got)
		}
	})
}
