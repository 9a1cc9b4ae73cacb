// Package curl turns forms of the console into requests of the admin API, and these into
// lines for a shell.
package curl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/internal/admin"
)

// A FieldError says which field of a form does not fit.
type FieldError struct {
	Field string
	Form  string // of a value that fits: number, json, time or duration
}

// Error implements error.
func (e *FieldError) Error() string { return fmt.Sprintf("%s is no %s", e.Field, e.Form) }

// Fill returns r with the fields of a form. The name of a field is its kind, a colon, and
// its name in the path, in the query, in a header or in the body, with dots for the objects
// around it. Other names are ignored. Of a repeated field, the last one counts; those of the
// kind lines are joined.
//
// An empty field is left out, except for the kind kept. With a question mark after its
// kind, it is null, which resets a setting. The kind null is null whatever its text is.
//
// The kinds change and changenumber are members of a merge patch. The value before is in the
// field was:NAME. They are left out if they are the same, and null if they are empty.
//
// The error is a [*FieldError] if a value does not fit its kind.
func Fill(r admin.Request, form url.Values) (admin.Request, error) {
	r.Params, r.Query, r.Header = copied(r.Params), copied(r.Query), copied(r.Header)
	body := map[string]any{}
	for _, input := range slices.Sorted(maps.Keys(form)) {
		kind, name, ok := strings.Cut(input, ":")
		values := form[input]
		if !ok || len(values) == 0 {
			continue
		}
		text := normal(values[len(values)-1])
		switch kind {
		case "lines":
			text = normal(strings.Join(values, "\n"))
		case "change", "changenumber":
			if text == normal(form.Get("was:"+name)) {
				continue
			}
			kind = clearing[kind]
		case "path":
			r.Params[name] = text
			continue
		case "query":
			r.Query[name] = text
			continue
		case "header":
			r.Header[name] = text
			continue
		}
		v, err := value(kind, text)
		if err != nil {
			return r, &FieldError{name, err.Error()}
		}
		if v != nil {
			put(body, name, v)
		}
	}
	if len(body) > 0 {
		r.Body = body
	}
	return r, nil
}

// clearing returns the kinds that the kinds of changes become.
var clearing = map[string]string{"change": "text?", "changenumber": "number?"}

// normal returns text with the ends of lines that are ours. Browsers end lines with CR LF.
func normal(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

func copied(m map[string]string) map[string]string {
	c := maps.Clone(m)
	if c == nil {
		c = map[string]string{}
	}
	return c
}

// put puts v at a name with dots.
func put(body map[string]any, name string, v any) {
	for {
		outer, inner, nested := strings.Cut(name, ".")
		if !nested {
			body[name] = v
			return
		}
		next, ok := body[outer].(map[string]any)
		if !ok {
			next = map[string]any{}
			body[outer] = next
		}
		body, name = next, inner
	}
}

// value returns the value of a text, or nil if it is to be left out. The error is the
// form of values that fit.
func value(kind, text string) (any, error) {
	kind, clearable := strings.CutSuffix(kind, "?")
	switch {
	case kind == "kept":
		return text, nil
	case kind == "null" || clearable && text == "":
		return json.RawMessage("null"), nil
	case text == "":
		return nil, nil
	}
	switch kind {
	case "text", "secret", "change":
		return text, nil
	case "bool":
		return text == "true", nil
	case "lines":
		return lines(text), nil
	case "number", "changenumber":
		return raw("number", text)
	case "json":
		return raw(kind, text)
	case "milliseconds":
		return duration(strings.TrimSpace(text), 1)
	case "seconds":
		return duration(strings.TrimSpace(text), 1000)
	case "time":
		return moment(text)
	}
	return nil, nil
}

// lines returns the lines of a text that are not empty.
func lines(text string) []string {
	all := []string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// raw returns a text that is JSON.
func raw(kind, text string) (any, error) {
	text = strings.TrimSpace(text)
	if !json.Valid([]byte(text)) || kind == "number" && !strings.ContainsAny(text[:1], "-0123456789") {
		return nil, errors.New(kind)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return nil, err
	}
	return json.RawMessage(b.Bytes()), nil
}

// moment returns a time of a browser, or of RFC 3339, as a text of RFC 3339.
func moment(text string) (any, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Format(time.RFC3339), nil
		}
	}
	return nil, errors.New("time")
}
