package api

import (
	"bytes"
	"slices"
	"strings"
	"unsafe"

	"rollcall/internal/wire"
)

// A query holds the parameters that the gate reads. Random and contenttype are
// ignored (decisions.md, "The gate").
type query struct {
	sdkappid, identifier, usersig param

	raw string // the whole query, to explain a missing parameter
}

// A param is one parameter of the URL.
type param struct {
	text    string
	present bool
}

// parseQuery parses the URL's query. It differs from [url.ParseQuery] in three
// ways:
//   - A semicolon is an ordinary byte, because clients do not escape
//     identifier.
//   - An error in a parameter that is not read does not matter.
//   - If a parameter occurs several times, only the first counts.
//
// Escaped parameters are decoded into memory that is appended to buf.
func parseQuery(raw string, buf *[]byte) (query, error) {
	q := query{raw: raw}
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		p := q.param(name)
		if p == nil || p.present {
			continue
		}
		text, ok := unescape(value, buf)
		if !ok {
			return query{}, &wire.Error{Code: wire.HTTPParse, Detail: name + " in the URL holds a broken percent escape"}
		}
		*p = param{text, true}
	}
	return q, nil
}

// unescape is like [url.QueryUnescape], but returns either s itself or memory
// that is appended to buf.
func unescape(s string, buf *[]byte) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, true
	}
	b := slices.Grow(*buf, len(s))
	for {
		plain, escape, escaped := strings.Cut(s, "%")
		b = appendPlain(b, plain)
		if !escaped {
			break
		}
		if len(escape) < 2 || hexValue(escape[0]) == 16 || hexValue(escape[1]) == 16 {
			return "", false
		}
		b = append(b, hexValue(escape[0])<<4|hexValue(escape[1]))
		s = escape[2:]
	}
	text := b[len(*buf):]
	*buf = b
	return unsafe.String(unsafe.SliceData(text), len(text)), true
}

// appendPlain appends s, which contains no percent escape, to b.
func appendPlain(b []byte, s string) []byte {
	rest := len(b)
	b = append(b, s...)
	for {
		i := bytes.IndexByte(b[rest:], '+')
		if i < 0 {
			return b
		}
		b[rest+i] = ' '
		rest += i + 1
	}
}

// hexValue returns the value of a hexadecimal digit, or 16 for another byte.
func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10
	}
	return 16
}

// missing says that a parameter is missing or empty. If another parameter of
// the query was probably meant for it, the sentence names that one. Only the
// first [wire.MaxParams] parameters are looked at.
func (q *query) missing(name, cure string) string {
	if q.param(name).present {
		return name + " is empty in the URL; " + cure
	}
	var names []string
	for pair := range strings.SplitSeq(q.raw, "&") {
		if len(names) == wire.MaxParams {
			break
		}
		found, _, _ := strings.Cut(pair, "=")
		names = append(names, found)
	}
	return wire.ExplainMissing(names, name, cure)
}

func (q *query) param(name string) *param {
	switch name {
	case "sdkappid":
		return &q.sdkappid
	case "identifier":
		return &q.identifier
	case "usersig":
		return &q.usersig
	}
	return nil
}
