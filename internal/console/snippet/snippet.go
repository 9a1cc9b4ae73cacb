// Package snippet writes a call of the account API as a program: as a line for a shell, as
// a test in Go, and as one in JavaScript for Node.
package snippet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A Call is a call of the account API and its result.
type Call struct {
	Server     string // address of the server, as http://127.0.0.1:7580
	Path       string // as /v4/im_open_login_svc/account_import
	Command    string // as account_import
	SDKAppID   uint32
	Identifier string
	Body       string // of the request, as it was sent; it need not be JSON
	Code       int    // ErrorCode of the response
}

// usual is the identifier that calls have by default.
const usual = "administrator"

// query returns the query of the call without its UserSig.
func (c *Call) query() string {
	return fmt.Sprintf("sdkappid=%d&identifier=%s&random=1&contenttype=json", c.SDKAppID, url.QueryEscape(c.Identifier))
}

// Curl returns lines for a shell that make the call. The variable USERSIG has the UserSig,
// which the first line takes from rollcall.
func (c *Call) Curl() string {
	sign := "rollcall sig make"
	if c.Identifier != usual {
		sign += " --identifier " + Shell(c.Identifier)
	}
	return fmt.Sprintf("USERSIG=$(%s)\ncurl -X POST -H 'Content-Type: application/json' -d %s \\\n  %s\"&usersig=$USERSIG\"\n",
		sign, Shell(c.Body), Shell(c.Server+c.Path+"?"+c.query()))
}

// Go returns a test in Go with package rollcalltest.
func (c *Call) Go() string {
	var b strings.Builder
	fmt.Fprintf(&b, "package app_test\n\nimport (\n\"testing\"\n\n\"rollcall/client\"\n\"rollcall/rollcalltest\"\n)\n\n")
	fmt.Fprintf(&b, "func Test%s(t *testing.T) {\nsrv := rollcalltest.NewServer(t)\n// Create what the call needs first, as with srv.Client.ImportAccount.\n", name(c.Command))
	fmt.Fprintf(&b, "made, err := srv.AdminClient.MakeCall(t.Context(), srv.SDKAppID, client.NewCall{\nCommand: %q,\n", c.Command)
	if c.Identifier != usual {
		fmt.Fprintf(&b, "Identifier: %s,\n", strconv.Quote(c.Identifier))
	}
	fmt.Fprintf(&b, "Text: %s,\n})\nif err != nil {\nt.Fatal(err)\n}\n", goText(c.Body))
	fmt.Fprintf(&b, "call, err := srv.AdminClient.Call(t.Context(), made.RequestID)\nif err != nil {\nt.Fatal(err)\n}\n")
	fmt.Fprintf(&b, "if call.Code != %d {\nt.Errorf(\"code %%d, want %d: %%s\", call.Code, made.Body)\n}\n}\n", c.Code, c.Code)
	text, err := format.Source([]byte(b.String()))
	if err != nil {
		return b.String() // it is still correct
	}
	return string(text)
}

// name returns the name of a command as a part of a name in Go.
func name(command string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(command, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// goText returns text as a literal in Go that shows everything.
func goText(text string) string {
	if strconv.CanBackquote(text) && !strings.ContainsFunc(text, hidden) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

const node = `// node --test call.test.mjs, with the key of the app in ROLLCALL_KEY.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";
import { deflateSync } from "node:zlib";

const server = process.env.ROLLCALL_URL ?? %s;
const sdkappid = %d;
const identifier = %s;

function sign(key) {
  const time = Math.floor(Date.now() / 1000), expire = 86400;
  const text = ` + "`TLS.identifier:${identifier}\\nTLS.sdkappid:${sdkappid}\\nTLS.time:${time}\\nTLS.expire:${expire}\\n`" + `;
  const sig = {
    "TLS.ver": "2.0", "TLS.identifier": identifier, "TLS.sdkappid": sdkappid, "TLS.time": time, "TLS.expire": expire,
    "TLS.sig": createHmac("sha256", key).update(text).digest("base64"),
  };
  const packed = deflateSync(JSON.stringify(sig)).toString("base64");
  return packed.replaceAll("+", "*").replaceAll("/", "-").replaceAll("=", "_");
}

test(%s, async () => {
  const query = new URLSearchParams({ sdkappid, identifier, usersig: sign(process.env.ROLLCALL_KEY), random: 1, contenttype: "json" });
  const response = await fetch(` + "`${server}%s?${query}`" + `, { method: "POST", body: %s });
  const answer = await response.json();
  assert.equal(answer.ErrorCode, %d, answer.ErrorInfo);
});
`

// Node returns a test in JavaScript that needs no package.
func (c *Call) Node() string {
	return fmt.Sprintf(node, script(c.Server), c.SDKAppID, script(c.Identifier), script(c.Command), c.Path, nodeBody(c.Body), c.Code)
}

// nodeBody returns a body as an expression in JavaScript. JSON becomes an object, unless
// that could lose something.
func nodeBody(body string) string {
	v := jsontext.Value(body)
	var b bytes.Buffer
	if !v.IsValid() || v.Kind() != '{' || strings.Contains(body, "__proto__") || strings.ContainsFunc(body, hidden) || json.Indent(&b, v, "  ", "  ") != nil || exact(body) {
		return script(body)
	}
	return "JSON.stringify(" + b.String() + ")"
}

// exact reports whether JavaScript could change a number of a body.
func exact(body string) bool {
	d := jsontext.NewDecoder(strings.NewReader(body))
	for {
		t, err := d.ReadToken()
		if err != nil {
			return false // the end: the body is valid
		}
		if t.Kind() != '0' {
			continue
		}
		const safe = 1 << 53
		if n, err := strconv.ParseInt(t.String(), 10, 64); err != nil || n > safe || n < -safe {
			return true
		}
	}
}

// script returns text as a literal in JavaScript that shows everything.
func script(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	var out strings.Builder
	for _, r := range string(b) {
		if !hidden(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16(r) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(out.String())
}

// utf16 returns the units of r in UTF-16.
func utf16(r rune) []rune {
	const first, surrogates = 0x10000, 0xd800
	if r < first {
		return []rune{r}
	}
	r -= first
	return []rune{surrogates + r>>10, 0xdc00 + r&0x3ff}
}

// Shell returns text as one word of a shell, bash or zsh, that shows everything.
func Shell(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, hidden) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i, r := range text {
		n := utf8.RuneLen(r)
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\\' || r == '\'':
			b.WriteString(`\` + string(r))
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case hidden(r):
			for _, c := range []byte(text[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + "'"
}

// hidden reports whether r cannot be seen or changes how other text looks.
func hidden(r rune) bool { return !unicode.IsPrint(r) }
