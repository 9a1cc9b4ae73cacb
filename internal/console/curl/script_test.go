package curl

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/admin"
)

// compare prints the line of each case that it reads.
const compare = `import { line } from "./curl.mjs";
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map((c) => line(JSON.parse(c.template), c.fields))));
`

// TestScript checks that the script curl.js of the pages makes the same lines as this
// package. Node runs the script.
func TestScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node to run curl.js")
	}
	type test struct {
		Template string      `json:"template"`
		Fields   [][2]string `json:"fields"`
	}
	odd := `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~ é字` + "\u2028\u202e\x01\n\u3000😀"
	app := map[string]string{"sdkappid": "1"}
	var tests []test
	var want []string
	for _, c := range []struct {
		request admin.Request
		fields  url.Values
	}{
		{admin.Request{Route: "listAccounts", Params: app, Query: map[string]string{"prefix": odd, "cursor": ""}}, nil},
		{admin.Request{Route: "listAccounts", Params: app, Query: map[string]string{"limit": "5"}}, url.Values{"query:prefix": {odd}, "query:cursor": {""}}},
		{admin.Request{Route: "addAdmin", Params: app}, url.Values{"path:userid": {odd}}},
		{admin.Request{Route: "addAdmin", Params: app}, url.Values{"path:userid": {"$&"}}},
		{admin.Request{Route: "createApp"}, url.Values{
			"text:name": {odd}, "bool:test": {"false", "true"}, "lines:admins": {"a\r\n\r\nb \r\n"}, "number:sdkappid": {"14"}, "kept:x": {""}, "text:none": {""},
			"other": {"x"}, "_form": {"x"}, "what:x": {"y"},
		}},
		{admin.Request{Route: "changeApp", Params: app, Header: map[string]string{"If-None": "'"}}, url.Values{
			"header:If-Match": {`"7"`}, "number?:settings.quota": {""}, "null:settings.words": {"x"}, "json:settings.custom_tags": {` [ {"key" : "x", "a": [1, null]} ] `},
			"number:settings.rate_limits.account_import": {"18446744073709551615"}, "number?:settings.rate_limits.kick": {""}, "lines?:settings.allow_sources": {""},
			"number:settings.bad": {"x"}, "json:settings.bad2": {"{"},
		}},
		{admin.Request{Route: "changeClock", Params: app}, url.Values{"time:now": {"2026-01-02T15:04"}, "number:advance_ms": {"-1.50"}, "time:never": {""}, "milliseconds:a": {" -1h30m "}, "milliseconds:b": {"999999999d999999999d"}, "seconds:c": {"7d1500ms500ms"}, "seconds:x.bad3": {"1500ms"}, "seconds:x.bad": {"1.5s"}, "milliseconds:x.bad2": {"5"}}},
		{admin.Request{Route: "addKey", Params: app}, url.Values{"text:public_key": {"a\r\nb"}, "secret:secret": {""}}},
	} {
		var fields [][2]string
		for _, input := range slices.Sorted(maps.Keys(c.fields)) {
			for _, text := range c.fields[input] {
				fields = append(fields, [2]string{input, text})
			}
		}
		tests = append(tests, test{Template("http://h", c.request), append([][2]string{}, fields...)})
		for input := range c.fields { // what does not fit is left out by the script, and refused by the server
			if strings.Contains(input, ".bad") {
				delete(c.fields, input)
			}
		}
		r, err := Fill(c.request, c.fields)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, Line("http://h", r))
	}
	got := runScript(t, node, tests)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("case %d:\nscript %s\nserver %s", i, got[i], want[i])
		}
	}
}

// runScript returns the lines that the script makes.
func runScript(t *testing.T, node string, tests any) (lines []string) {
	dir := t.TempDir()
	script, err := os.ReadFile(filepath.FromSlash("../asset/curl.js"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"curl.mjs": string(script), "compare.mjs": compare} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	input, err := json.Marshal(tests)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(dir, "compare.mjs"))
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := json.Unmarshal(out, &lines); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return lines
}
