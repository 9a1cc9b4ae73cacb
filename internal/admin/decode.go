package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
)

// encode returns v as JSON.
func encode(v any) ([]byte, error) {
	return json.Marshal(v,
		json.Deterministic(true),
		jsontext.AllowInvalidUTF8(true), // a stored text must be shown even if it is invalid
		writers,
	)
}

// decode decodes data into v. The argument at is the JSON pointer of data in the body.
// Unlike the vendor's protocol, this API refuses unknown members, so that a typo is
// noticed.
func decode(data []byte, v any, at string) error {
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(true), timeReader); err != nil {
		return bad(bodyProblem(err, at, reflect.TypeOf(v)))
	}
	return nil
}

// body decodes the body of c. An empty body counts as an empty object.
func body[Req any](c *call) (req Req, err error) {
	b, err := httpx.ReadBody(c.r, MaxBody)
	if _, ok := errors.AsType[*httpx.BodyTooLargeError](err); ok {
		c.w.Header().Set("Connection", "close") // the rest of the body must not be read as a request
		return req, &problemError{tooLarge, fmt.Sprintf("the body is larger than %d bytes", MaxBody)}
	}
	if err != nil {
		return req, bad("the body did not arrive whole")
	}
	defer b.Free()
	if len(b.Bytes()) == 0 {
		return req, nil
	}
	return req, decode(b.Bytes(), &req, "")
}

// bodyProblem returns the detail for err, an error of decoding into a t. The argument at
// is the JSON pointer of the decoded part of the body.
func bodyProblem(err error, at string, t reflect.Type) string {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Sprintf("the body has %s twice", at+string(e.JSONPointer))
		}
		return fmt.Sprintf("the body is not JSON at byte %d: %v; correct it", e.ByteOffset+1, e.Err)
	}
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return "the body is not the JSON object that is expected"
	}
	at += string(e.JSONPointer)
	switch {
	case errors.Is(err, json.ErrUnknownName):
		if meant := memberMeant(t, e.JSONPointer); meant != "" {
			return fmt.Sprintf("the body has %s, which is unknown here; did you mean %s?", at, meant)
		}
		return fmt.Sprintf("the body has %s, which is unknown here; correct its name or leave it out", at)
	case at == "":
		return "the body is not a JSON object"
	}
	if form := settingForm(at); form != "" {
		return fmt.Sprintf("%s in the body does not fit; %s", at, form)
	}
	return fmt.Sprintf("%s in the body is not %s", at, expected(e.GoType))
}

// settingForm describes the values of the setting at or above a JSON pointer. It
// returns "" if there is none.
func settingForm(at string) string {
	path, ok := strings.CutPrefix(at, "/settings/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(path, "/")
	for _, f := range account.SettingForms() {
		if f.Name == name {
			return fmt.Sprintf("%s takes %s, as %s", name, f.Takes, f.Example)
		}
	}
	return ""
}

// expected describes the values of t.
func expected(t reflect.Type) string {
	if t == nil {
		return "as expected"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Map:
		return "an object"
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number from 0 up"
	case reflect.Uint32:
		return "a whole number from 0 to 4294967295"
	}
	if t == reflect.TypeFor[*time.Time]() { // readTime decodes it
		return "a time as 2026-01-02T15:04:05Z, in a year from 1970 to 9999"
	}
	return "in the form that /openapi/admin.json describes"
}

// readQuery reads the query parameters. It refuses unknown and repeated ones.
func (c *call) readQuery() error {
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return bad("the query cannot be read; escape what is special in it")
	}
	c.query = map[string]string{}
	for name, vs := range values {
		switch {
		case !c.route.hasQuery(name):
			return bad(fmt.Sprintf("the query has %q, which is unknown here; correct its name or leave it out", name))
		case len(vs) > 1:
			return bad(fmt.Sprintf("the query has %q more than once", name))
		}
		c.query[name] = vs[0]
	}
	return nil
}

// choose picks the route of c among those of its path.
func (c *call) choose(routes []Route) error {
	i := slices.IndexFunc(routes, func(r Route) bool { return r.Method == c.r.Method })
	if i >= 0 {
		c.route = &routes[i]
		return nil
	}
	if len(routes) == 0 {
		return &problemError{notFound, "nothing is under this path"}
	}
	var allowed []string
	for _, r := range routes {
		allowed = append(allowed, r.Method)
	}
	c.w.Header()["Allow"] = allowed
	return &problemError{badMethod, "use " + strings.Join(allowed, " or ")}
}

var _ http.Handler = (*Server)(nil)
