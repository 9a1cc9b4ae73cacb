package admin

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"rollcall/internal/account"
)

// A Route is one method and path of the API.
type Route struct {
	Method  string
	Path    string // with {name} for what varies
	ID      string // unique; names the operation in the log, in metrics and in OpenAPI
	Summary string
	Scope   account.Scope
	Status  int         // of an answer without a problem
	Query   []Parameter // what may stand after the "?"
	Headers []Parameter // request headers beyond the usual
	Timeout time.Duration
	Endpoint
}

// A Parameter is a part of a request outside its body.
type Parameter struct {
	Name     string
	Required bool
	Summary  string
}

// An Endpoint is what serves a route: the types of the bodies, and the code.
type Endpoint struct {
	Request  reflect.Type // nil if the body is not read
	Response reflect.Type // nil if there is none
	serve    func(*Server, *call) (any, error)
}

// reads makes an endpoint of a function that needs no body.
func reads[Resp any](fn func(*Server, *call) (Resp, error)) Endpoint {
	return Endpoint{nil, reflect.TypeFor[Resp](), func(s *Server, c *call) (any, error) { return fn(s, c) }}
}

// takes makes an endpoint of a function that is given the body.
func takes[Req, Resp any](fn func(*Server, *call, Req) (Resp, error)) Endpoint {
	return Endpoint{reflect.TypeFor[Req](), reflect.TypeFor[Resp](), func(s *Server, c *call) (any, error) {
		req, err := body[Req](c)
		if err != nil {
			return nil, err
		}
		return fn(s, c, req)
	}}
}

// drops makes an endpoint of a function that answers nothing.
func drops(fn func(*Server, *call) error) Endpoint {
	return Endpoint{nil, nil, func(s *Server, c *call) (any, error) { return nil, fn(s, c) }}
}

// Paths that several routes share.
const (
	root     = "/admin/v1"
	apps     = root + "/apps"
	oneApp   = apps + "/{sdkappid}"
	accounts = oneApp + "/accounts"
	admins   = oneApp + "/admins/{userid}"
	tokens   = root + "/tokens"
)

var page = []Parameter{
	{"limit", false, "most entries of the page: 1 to 1000, 100 if absent"},
	{"cursor", false, "next_cursor of the page before; empty for the first page"},
}

// Routes returns the whole surface of the API.
func Routes() []Route {
	const (
		read, write, all = account.ScopeRead, account.ScopeWrite, account.ScopeAdmin
		ok, made, gone   = http.StatusOK, http.StatusCreated, http.StatusNoContent
	)
	prefix := append([]Parameter{{"prefix", false, "only ids that begin with it"}}, page...)
	sdkappid := append([]Parameter{{"sdkappid", false, "only entries of this app"}}, page...)
	userid := []Parameter{{"userid", true, "the id, for those that a path cannot carry"}}
	ifMatch := []Parameter{{"If-Match", false, `the version that the change is meant for, as "7"; another answers conflict`}}
	return []Route{
		{"GET", root, "about", "Say what this server is.", read, ok, nil, nil, 0, reads((*Server).about)},
		{"GET", apps, "listApps", "List apps by SDKAppID.", read, ok, page, nil, 0, reads((*Server).listApps)},
		{"POST", apps, "createApp", "Create an app. Without a secret or a public key, an HMAC key is made and shown this once.", write, made, nil, nil, 0, takes((*Server).createApp)},
		{"GET", oneApp, "readApp", "Read an app.", read, ok, nil, nil, 0, reads((*Server).readApp)},
		{"PATCH", oneApp, "changeApp", "Change an app; settings by JSON merge patch (RFC 7396).", write, ok, nil, ifMatch, 0, takes((*Server).changeApp)},
		{"DELETE", oneApp, "deleteApp", "Delete an app that has no accounts besides its admins.", all, gone, nil, nil, 0, drops((*Server).deleteApp)},
		{"POST", oneApp + "/keys", "addKey", "Add a key. Without a secret or a public key, an HMAC key is made and shown this once.", write, made, nil, nil, 0, takes((*Server).addKey)},
		{"POST", oneApp + "/keys/{id}/retire", "retireKey", "End the use of a key, now or at a time.", write, ok, nil, nil, 0, takes((*Server).retireKey)},
		{"POST", oneApp + "/usersig", "signUser", "Make a UserSig with the key of a test app.", all, ok, nil, nil, 0, takes((*Server).signUser)},
		{"PUT", admins, "addAdmin", "Make an id an admin; it is imported if need be.", write, ok, nil, nil, 0, reads((*Server).addAdmin)},
		{"DELETE", admins, "removeAdmin", "Take the role of an admin away; the account stays.", write, ok, nil, nil, 0, reads((*Server).removeAdmin)},
		{"GET", accounts, "listAccounts", "List accounts in the byte order of their ids.", read, ok, prefix, nil, 0, reads((*Server).listAccounts)},
		{"GET", accounts + ":count", "countAccounts", "Count the accounts of an app, exactly.", read, ok, nil, nil, 0, reads((*Server).countAccounts)},
		{"GET", accounts + ":get", "findAccount", "Read an account whose id a path cannot carry.", read, ok, userid, nil, 0, reads((*Server).readAccount)},
		{"POST", accounts + ":unkick", "unkickAccount", "Forget the kicks of an account: UserSigs from before them are good again.", write, ok, nil, nil, 0, takes((*Server).unkickAccount)},
		{"GET", accounts + "/{userid}", "readAccount", "Read an account.", read, ok, nil, nil, 0, reads((*Server).readAccount)},
		{"GET", root + "/audit", "listAudit", "List who changed what, newest first.", read, ok, sdkappid, nil, 0, reads((*Server).listAudit)},
		{"GET", tokens, "listTokens", "List tokens by id.", all, ok, nil, nil, 0, reads((*Server).listTokens)},
		{"POST", tokens, "createToken", "Create a token; its text is shown this once.", all, made, nil, nil, 0, takes((*Server).createToken)},
		{"DELETE", tokens + "/{id}", "deleteToken", "Delete a token.", all, gone, nil, nil, 0, drops((*Server).deleteToken)},
		{"POST", root + "/backup", "backup", "Copy the whole store into a new folder on the server.", all, ok, nil, nil, backupTimeout, takes((*Server).makeBackup)},
		{"POST", root + "/keys:reseal", "reseal", "Seal every secret with the newest sealing key.", all, ok, nil, nil, 0, reads((*Server).reseal)},
	}
}

// takes reports whether name may stand in the query.
func (r *Route) takes(name string) bool {
	return slices.ContainsFunc(r.Query, func(p Parameter) bool { return p.Name == name })
}

// match reports whether segments, of an escaped path, are a path of r, and what
// stands for its names.
func (r *Route) match(segments []string) (map[string]string, bool) {
	pattern := splitPath(r.Path)
	if len(pattern) != len(segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, p := range pattern {
		value, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		name, varies := strings.CutPrefix(p, "{")
		switch {
		case varies && value != "":
			params[strings.TrimSuffix(name, "}")] = value
		case p != value:
			return nil, false
		}
	}
	return params, true
}

func splitPath(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }
