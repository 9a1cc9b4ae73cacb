package wire

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Diagnose explains in one sentence why [Decode] refused body with [ErrJSON]:
// what is wrong, where, and what to do. The body was to be decoded into req.
// Bytes are counted from 1.
//
// The sentence is printable ASCII of at most [maxDiagnosis] bytes and quotes at
// most a few words of the body. Diagnose makes a bounded number of passes over
// the body. It runs only for refused bodies, so it does not slow down
// successful calls.
func Diagnose(body []byte, req any) string {
	start := len(body) - len(bytes.TrimLeft(body, " \t\r\n"))
	for _, diagnosis := range []string{compression(body), encoding(body), opening(body, start, req)} {
		if diagnosis != "" {
			return diagnosis
		}
	}
	return inside(body)
}

// maxDiagnosis is the maximum length of the result of [Diagnose] in bytes.
const maxDiagnosis = 300

// magics are the first bytes of common compressed formats.
var magics = []struct{ prefix, name string }{
	{"\x1f\x8b", "gzip"},
	{"\x28\xb5\x2f\xfd", "zstd"},
	{"\x04\x22\x4d\x18", "lz4"},
	{"\xfd7zXZ\x00", "xz"},
	{"PK\x03\x04", "zip"},
	{"\x78\x01", "deflate"},
	{"\x78\x5e", "deflate"},
	{"\x78\x9c", "deflate"},
	{"\x78\xda", "deflate"},
}

// compression recognizes a compressed body, with or without the header
// Content-Encoding.
func compression(body []byte) string {
	head := body[:min(len(body), 64)]
	if !bytes.ContainsFunc(head, func(r rune) bool { return r == utf8.RuneError || r < ' ' && r != '\t' && r != '\r' && r != '\n' }) {
		return "" // plain text, which may begin with the same letters as a magic
	}
	for _, m := range magics {
		if bytes.HasPrefix(body, []byte(m.prefix)) {
			return "the body is compressed (" + m.name + "); send it uncompressed"
		}
	}
	return ""
}

// encoding recognizes byte order marks and encodings with two or four bytes per
// character.
func encoding(body []byte) string {
	for _, e := range []struct{ prefix, name string }{
		{"\x00\x00\xfe\xff", "UTF-32"},
		{"\xff\xfe\x00\x00", "UTF-32"},
		{"{\x00\x00\x00", "UTF-32"},
		{"\x00\x00\x00{", "UTF-32"},
		{"\xfe\xff", "UTF-16"},
		{"\xff\xfe", "UTF-16"},
		{"{\x00", "UTF-16"},
		{"\x00{", "UTF-16"},
	} {
		if bytes.HasPrefix(body, []byte(e.prefix)) {
			return "the body is encoded in " + e.name + "; encode it in UTF-8"
		}
	}
	if bytes.HasPrefix(body, []byte("\ufeff")) {
		return "the body starts with a byte order mark (bytes EF BB BF); leave it out"
	}
	return ""
}

// opening recognizes a body that begins, after white space, with something
// other than an object.
func opening(body []byte, start int, req any) string {
	text := body[start:]
	switch {
	case len(text) == 0 || text[0] == '{':
		return ""
	case text[0] == '<':
		return "the body is XML or HTML; send JSON"
	case bytes.HasPrefix(text, []byte("[object ")):
		return "the body is the text of an object of JavaScript; send JSON.stringify of it"
	case text[0] == '[':
		return "the body is an array; send an object" + wrapHint(req)
	case text[0] == '"':
		return quoted(text)
	case bytes.HasPrefix(text, []byte("--")):
		return "the body is multipart form data; send JSON as the body itself"
	case hasPrefixFold(text, "%7b"):
		return "the body is percent-encoded; send the JSON as it is"
	case bytes.HasPrefix(text, []byte("eyJ")):
		return "the body is encoded in base64; send the JSON as it is"
	case isForm(text):
		return "the body is form data; send JSON as the body itself"
	}
	if name := word(text); name != "" && len(name) == len(bytes.TrimRight(text, " \t\r\n")) {
		return "the body is the word " + name + ", as of a variable without a value; send a JSON object"
	}
	if diagnosis := lookalike(body, start); diagnosis != "" {
		return diagnosis
	}
	return fmt.Sprintf("the body begins with %s at byte %d; a JSON object begins with {", showByte(text[0]), start+1)
}

// wrapHint shows how to wrap an array in an object of the type of req.
func wrapHint(req any) string {
	if list := firstList(req); list != "" {
		return ` that holds it, {"` + list + `":[...]}`
	}
	return ""
}

// quoted diagnoses a body that begins with a double quote.
func quoted(text []byte) string {
	inner, err := jsontext.AppendUnquote(nil, bytes.TrimRight(text, " \t\r\n"))
	if err != nil {
		return "the body begins with a text, not with {; put braces around it"
	}
	if inner = bytes.TrimLeft(inner, " \t\r\n"); len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') {
		return "the body was encoded as JSON twice, into a text that contains the object; encode it once"
	}
	return "the body is a JSON string; send an object"
}

// isForm reports whether text looks like name=value.
func isForm(text []byte) bool {
	name, _, found := bytes.Cut(text[:min(len(text), 100)], []byte("="))
	return found && len(name) > 0 && !bytes.ContainsFunc(name, func(r rune) bool {
		return r >= utf8.RuneSelf || !isLetter(byte(r)) && !strings.ContainsRune("0123456789.-%+[]", r)
	})
}

func hasPrefixFold(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(string(text[:len(prefix)]), prefix)
}

// word returns the letters and digits at the start of text. It returns "" if
// there are none, or more than 24, which are too many to quote.
func word(text []byte) string {
	n := 0
	for n < len(text) && (isLetter(text[n]) || n > 0 && '0' <= text[n] && text[n] <= '9') {
		n++
	}
	if n > 24 {
		return ""
	}
	return string(text[:n])
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$' }

// showByte returns c as a sentence names it.
func showByte(c byte) string {
	if c <= ' ' || c >= 0x7f {
		return fmt.Sprintf("0x%02X", c)
	}
	return string(rune(c))
}
