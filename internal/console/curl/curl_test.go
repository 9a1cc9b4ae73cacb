package curl

import (
	"errors"
	"net/url"
	"testing"

	"rollcall/internal/admin"
)

func TestFillAndLine(t *testing.T) {
	for _, c := range []struct {
		name string
		r    admin.Request
		form url.Values
		want string
	}{
		{
			"a read",
			admin.Request{Route: "listAccounts", Params: map[string]string{"sdkappid": "1"}, Query: map[string]string{"prefix": "a b", "cursor": ""}},
			nil,
			`curl -H "Authorization: Bearer $ROLLCALL_ADMIN_TOKEN" 'http://h/admin/v1/apps/1/accounts?prefix=a+b'`,
		},
		{
			"kinds",
			admin.Request{Route: "createApp"},
			url.Values{
				"number:sdkappid": {"14"}, "text:name": {"it's"}, "bool:test": {"false", "true"}, "lines:admins": {"a\r\n\r\nb\r\n"},
				"json:settings.custom_tags": {` [ {"key":"x"} ] `}, "number:settings.quota": {"5"}, "text:edition": {""}, "other": {"x"}, "_form": {"x"},
			},
			`curl -X POST -H "Authorization: Bearer $ROLLCALL_ADMIN_TOKEN" -d '{"admins":["a","b"],"name":"it'\''s","sdkappid":14,"settings":{"custom_tags":[{"key":"x"}],"quota":5},"test":true}' 'http://h/admin/v1/apps'`,
		},
		{
			"path",
			admin.Request{Route: "addAdmin", Params: map[string]string{"sdkappid": "1"}},
			url.Values{"path:userid": {"a/b?c"}},
			`curl -X PUT -H "Authorization: Bearer $ROLLCALL_ADMIN_TOKEN" 'http://h/admin/v1/apps/1/admins/a%2Fb%3Fc'`,
		},
		{
			"null and a header",
			admin.Request{Route: "changeApp", Params: map[string]string{"sdkappid": "1"}},
			url.Values{
				"header:If-Match": {`"7"`}, "null:settings.words": {"x"}, "number?:settings.quota": {""}, "lines?:settings.allow_sources": {""},
				"number?:settings.app_rate_limit": {"5"}, "json?:settings.custom_tags": {""},
			},
			`curl -X PATCH -H "Authorization: Bearer $ROLLCALL_ADMIN_TOKEN" -H 'If-Match: "7"' -d '{"settings":{"allow_sources":null,"app_rate_limit":5,"custom_tags":null,"quota":null,"words":null}}' 'http://h/admin/v1/apps/1'`,
		},
		{
			"time and kept",
			admin.Request{Route: "changeClock", Params: map[string]string{"sdkappid": "1"}},
			url.Values{"time:now": {"2026-01-02T15:04"}, "kept:x": {""}},
			`curl -X PATCH -H "Authorization: Bearer $ROLLCALL_ADMIN_TOKEN" -d '{"now":"2026-01-02T15:04:00Z","x":""}' 'http://h/admin/v1/apps/1/clock'`,
		},
		{
			"durations",
			admin.Request{Route: "changeClock", Params: map[string]string{"sdkappid": "1"}},
			url.Values{"milliseconds:a": {" -1h30m "}, "milliseconds:b": {"999999999d999999999d"}, "seconds:c": {"7d1500ms500ms"}, "seconds:d": {""}},
			`curl -X PATCH -H "Authorization: Bearer $ROLLCALL_ADMIN_TOKEN" -d '{"a":-5400000,"b":172799999827200000,"c":604802}' 'http://h/admin/v1/apps/1/clock'`,
		},
		{
			"chosen lines",
			admin.Request{Route: "deleteAccounts", Params: map[string]string{"sdkappid": "1"}},
			url.Values{"lines:userids": {"a b", "c", "d\r\ne"}},
			`curl -X POST -H "Authorization: Bearer $ROLLCALL_ADMIN_TOKEN" -d '{"userids":["a b","c","d","e"]}' 'http://h/admin/v1/apps/1/accounts:delete'`,
		},
		{
			"changes",
			admin.Request{Route: "changeFoundAccount", Params: map[string]string{"sdkappid": "1"}, Query: map[string]string{"userid": "a/b"}},
			url.Values{
				"change:profile.Same": {"x"}, "was:profile.Same": {"x"}, "change:profile.Text": {"new"}, "was:profile.Text": {"old"},
				"change:profile.Gone": {""}, "was:profile.Gone": {"old"}, "change:profile.None": {""}, "was:profile.None": {""},
				"changenumber:profile.Number": {"18446744073709551615"}, "was:profile.Number": {""}, "changenumber:profile.NoNumber": {""}, "was:profile.NoNumber": {"7"},
				"change:profile.SameLines": {"a\r\nb"}, "was:profile.SameLines": {"a\nb"}, "change:profile.Lines": {"a\r\nc"}, "was:profile.Lines": {"a\nb"},
			},
			`curl -X PATCH -H "Authorization: Bearer $ROLLCALL_ADMIN_TOKEN" -d '{"profile":{"Gone":null,"Lines":"a\nc","NoNumber":null,"Number":18446744073709551615,"Text":"new"}}' 'http://h/admin/v1/apps/1/accounts:change?userid=a%2Fb'`,
		},
	} {
		r, err := Fill(c.r, c.form)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := Line("http://h", r); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestFillRefuses(t *testing.T) {
	for input, text := range map[string]string{"number:a": "x", "number:b": `"1"`, "json:c": "{", "time:d": "noon", "changenumber:e": "x", "milliseconds:f": "1.5s", "milliseconds:g": "-", "milliseconds:h": "60000", "seconds:i": "1500ms", "seconds:j": "1w", "seconds:k": "9999999999s"} {
		_, err := Fill(admin.Request{Route: "createApp"}, url.Values{input: {text}})
		if e, ok := errors.AsType[*FieldError](err); !ok || e.Field != input[len(input)-1:] {
			t.Errorf("%s=%s: error %v", input, text, err)
		}
	}
}
