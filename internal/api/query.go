package api

import (
	"net/url"
	"strings"

	"rollcall/internal/wire"
)

// query holds the parameters that the gate reads. Random and contenttype are
// read by nobody (decisions.md, "The gate").
type query struct {
	sdkappid, identifier, usersig param
}

// A param is one parameter of the URL.
type param struct {
	text    string
	present bool
}

// parseQuery reads the URL's query. It is not [url.ParseQuery]: clients do not
// escape identifier, so a semicolon is an ordinary byte, and what is wrong with
// a parameter that nobody reads does not matter. The first of several
// parameters of one name counts.
func parseQuery(raw string) (query, error) {
	var q query
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		if err := q.set(name, value); err != nil {
			return query{}, err
		}
	}
	return q, nil
}

func (q *query) set(name, value string) error {
	p := q.param(name)
	if p == nil || p.present {
		return nil
	}
	text, err := url.QueryUnescape(value)
	if err != nil {
		return &wire.Error{Code: wire.HTTPParse, Detail: name + " in the URL holds a broken percent escape"}
	}
	*p = param{text, true}
	return nil
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
