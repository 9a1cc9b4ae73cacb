package admin

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/bulk"
)

// A Route is one method and path of the API.
type Route struct {
	Method  string
	Path    string // a pattern of [http.ServeMux], with {name} for parameters
	ID      string // unique; names the operation in the log, in metrics and in OpenAPI
	Summary string
	Scope   account.Scope
	Status  int           // of a response without a problem
	Query   []Parameter   // query parameters
	Headers []Parameter   // request headers beyond the usual
	Body    string        // media type of a body that is a stream; "" for JSON or none
	Lines   bool          // the response is a stream of JSON values, one in each line, which the handler sends
	Timeout time.Duration // 0 is that of most routes; negative is none
	Endpoint
}

// A Parameter is a part of a request outside its body.
type Parameter struct {
	Name     string
	Required bool
	Summary  string
}

// An Endpoint serves a route: the types of its bodies, and its function, which returns a
// pointer to the response.
type Endpoint struct {
	Request  reflect.Type // nil if the body is not read
	Response reflect.Type // nil if there is none
	serve    func(*Server, context.Context, *call) (any, error)
}

// noBody returns an endpoint of a function that needs no body.
func noBody[Resp any](fn func(*Server, context.Context, *call) (Resp, error)) Endpoint {
	return Endpoint{nil, reflect.TypeFor[Resp](), func(s *Server, ctx context.Context, c *call) (any, error) {
		resp, err := fn(s, ctx, c)
		return &resp, err
	}}
}

// withBody returns an endpoint of a function that needs the decoded body.
func withBody[Req, Resp any](fn func(*Server, context.Context, *call, Req) (Resp, error)) Endpoint {
	return Endpoint{reflect.TypeFor[Req](), reflect.TypeFor[Resp](), func(s *Server, ctx context.Context, c *call) (any, error) {
		req, err := body[Req](c)
		if err != nil {
			return nil, err
		}
		resp, err := fn(s, ctx, c, req)
		return &resp, err
	}}
}

// noContent returns an endpoint of a function whose response has no body.
func noContent(fn func(*Server, context.Context, *call) error) Endpoint {
	return Endpoint{nil, nil, func(s *Server, ctx context.Context, c *call) (any, error) { return nil, fn(s, ctx, c) }}
}

// Paths that several routes share.
const (
	root     = "/admin/v1"
	apps     = root + "/apps"
	oneApp   = apps + "/{sdkappid}"
	clock    = oneApp + "/clock"
	snaps    = oneApp + "/snapshots"
	accounts = oneApp + "/accounts"
	admins   = oneApp + "/admins/{userid}"
	tokens   = root + "/tokens"

	requests  = root + "/requests"
	oneFaults = oneApp + "/faults"
	devices   = oneApp + "/devices"
	imports   = oneApp + "/imports"
	oneImport = imports + "/{key}"
	webhook   = oneApp + "/webhook"
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
	audited := append([]Parameter{
		{"sdkappid", false, "only entries of this app"},
		{"actor", false, "only entries of this actor"},
		{"action", false, "only entries of this action, as key.add; or of a group of actions, which ends with a dot, as key."},
	}, page...)
	userid := []Parameter{{"userid", true, "the id, for those that a path cannot carry"}}
	recorded := []Parameter{
		page[0],
		{"command", false, "only calls of this command"},
		{"code", false, "only calls with this code, or with an item that failed with it; 0 for success"},
		{"userid", false, "only calls that the account made, or that name it in the kept part of the body or in an item that failed"},
		{"after", false, "only calls after the one with this seq, oldest first; 0 for all that are kept"},
		{"wait", false, "with after: seconds to wait for a call if there is none, at most 50"},
		{"bodies", false, "true for the bodies of test apps' calls, too; a page ends after 2 MiB of them"},
	}
	exported := []Parameter{
		prefix[0],
		{"deleted", false, "true for the deleted ids, too"},
		{"details", false, "true for internal ids and times, too"},
	}
	last := []Parameter{{"last", false, "the span of time: 1h, 7d, 14d or 30d; 1h if absent"}}
	ifMatch := []Parameter{{"If-Match", false, `the version that the change is meant for, as "7"; another answers conflict`}}
	routes := []Route{
		{Method: "GET", Path: root, ID: "about", Summary: "Say what this server is.", Scope: read, Status: ok, Endpoint: noBody((*Server).about)},
		{Method: "GET", Path: apps, ID: "listApps", Summary: "List apps by SDKAppID.", Scope: read, Status: ok, Query: page, Endpoint: noBody((*Server).listApps)},
		{Method: "POST", Path: apps, ID: "createApp", Summary: "Create an app. Without a secret or a public key, an HMAC key is made and shown this once.", Scope: write, Status: made, Endpoint: withBody((*Server).createApp)},
		{Method: "GET", Path: oneApp, ID: "readApp", Summary: "Read an app.", Scope: read, Status: ok, Endpoint: noBody((*Server).readApp)},
		{Method: "PATCH", Path: oneApp, ID: "changeApp", Summary: "Change an app; settings by JSON merge patch (RFC 7396).", Scope: write, Status: ok, Headers: ifMatch, Endpoint: withBody((*Server).changeApp)},
		{Method: "DELETE", Path: oneApp, ID: "deleteApp", Summary: "Delete an app that has no accounts besides its admins.", Scope: all, Status: gone, Endpoint: noContent((*Server).deleteApp)},
		{Method: "POST", Path: oneApp + "/keys", ID: "addKey", Summary: "Add a key. Without a secret or a public key, an HMAC key is made and shown this once.", Scope: write, Status: made, Endpoint: withBody((*Server).addKey)},
		{Method: "POST", Path: oneApp + "/keys/{id}/retire", ID: "retireKey", Summary: "End the use of a key, now or at a time.", Scope: write, Status: ok, Endpoint: withBody((*Server).retireKey)},
		{Method: "POST", Path: oneApp + "/usersig", ID: "signUser", Summary: "Make a UserSig with the key of a test app.", Scope: all, Status: ok, Endpoint: withBody((*Server).signUser)},
		{Method: "POST", Path: oneApp + "/call", ID: "makeCall", Summary: "Make a call of the account API, signed with the key of a test app. It passes the same checks and limits as a call of a client, and is kept like one.", Scope: all, Status: ok, Endpoint: withBody((*Server).makeCall)},
		{Method: "GET", Path: clock, ID: "readClock", Summary: "Read the clock of a test app.", Scope: read, Status: ok, Endpoint: noBody((*Server).readClock)},
		{Method: "PATCH", Path: clock, ID: "changeClock", Summary: "Set, advance, stop or start the clock of a test app.", Scope: write, Status: ok, Endpoint: withBody((*Server).changeClock)},
		{Method: "DELETE", Path: clock, ID: "resetClock", Summary: "Let the clock of a test app show real time again.", Scope: write, Status: ok, Endpoint: noBody((*Server).resetClock)},
		{Method: "POST", Path: oneApp + "/reset", ID: "resetApp", Summary: "Remove all accounts, robots, tombstones, kicks and mutes of a test app and reset its clock; keys, admins and settings stay.", Scope: all, Status: ok, Endpoint: noBody((*Server).resetApp)},
		{Method: "GET", Path: snaps, ID: "listSnapshots", Summary: "List the snapshots of a test app by name.", Scope: read, Status: ok, Endpoint: noBody((*Server).listSnapshots)},
		{Method: "POST", Path: snaps, ID: "takeSnapshot", Summary: "Keep the accounts and the record of a test app in the memory of the server, until it ends.", Scope: write, Status: made, Endpoint: withBody((*Server).takeSnapshot)},
		{Method: "POST", Path: snaps + "/{name}/restore", ID: "restoreSnapshot", Summary: "Return a test app to a snapshot: accounts, name, edition, keys, admins, settings and clock.", Scope: all, Status: ok, Endpoint: noBody((*Server).restoreSnapshot)},
		{Method: "DELETE", Path: snaps + "/{name}", ID: "deleteSnapshot", Summary: "Delete a snapshot.", Scope: write, Status: gone, Endpoint: noContent((*Server).deleteSnapshot)},
		{Method: "PUT", Path: admins, ID: "addAdmin", Summary: "Make an id an admin; it is imported if need be.", Scope: write, Status: ok, Endpoint: noBody((*Server).addAdmin)},
		{Method: "DELETE", Path: admins, ID: "removeAdmin", Summary: "Take the role of an admin away; the account stays.", Scope: write, Status: ok, Endpoint: noBody((*Server).removeAdmin)},
		{Method: "GET", Path: accounts, ID: "listAccounts", Summary: "List accounts in the byte order of their ids.", Scope: read, Status: ok, Query: prefix, Endpoint: noBody((*Server).listAccounts)},
		{Method: "GET", Path: accounts + ":export", ID: "exportAccounts", Summary: "Send all accounts as they are at one moment, in the byte order of their ids: a JSON object in each line. The trailer Rollcall-Rows has their number.", Scope: read, Status: ok, Query: exported, Lines: true, Endpoint: noBody((*Server).exportAccounts)},
		{Method: "GET", Path: accounts + ":count", ID: "countAccounts", Summary: "Count the accounts of an app, exactly.", Scope: read, Status: ok, Endpoint: noBody((*Server).countAccounts)},
		{Method: "GET", Path: accounts + ":get", ID: "findAccount", Summary: "Read an account whose id a path cannot carry.", Scope: read, Status: ok, Query: userid, Endpoint: noBody((*Server).readAccount)},
		{Method: "GET", Path: accounts + "/{userid}", ID: "readAccount", Summary: "Read an account.", Scope: read, Status: ok, Endpoint: noBody((*Server).readAccount)},
		{Method: "GET", Path: root + "/audit", ID: "listAudit", Summary: "List who changed what, newest first.", Scope: read, Status: ok, Query: audited, Endpoint: noBody((*Server).listAudit)},
		{Method: "GET", Path: tokens, ID: "listTokens", Summary: "List tokens by id.", Scope: all, Status: ok, Endpoint: noBody((*Server).listTokens)},
		{Method: "POST", Path: tokens, ID: "createToken", Summary: "Create a token; its text is shown this once.", Scope: all, Status: made, Endpoint: withBody((*Server).createToken)},
		{Method: "DELETE", Path: tokens + "/{id}", ID: "deleteToken", Summary: "Delete a token.", Scope: all, Status: gone, Endpoint: noContent((*Server).deleteToken)},
		{Method: "POST", Path: root + "/backup", ID: "backup", Summary: "Copy the whole store into the repository of the server, or into a new directory on the server.", Scope: all, Status: ok, Timeout: backupTimeout, Endpoint: withBody((*Server).makeBackup)},
		{Method: "GET", Path: root + "/backups", ID: "listBackups", Summary: "List the backups in the repository of the server, newest first.", Scope: all, Status: ok, Timeout: time.Minute, Endpoint: noBody((*Server).listBackups)},
		{Method: "POST", Path: root + "/keys:reseal", ID: "reseal", Summary: "Seal every secret with the newest sealing key.", Scope: all, Status: ok, Endpoint: noBody((*Server).reseal)},

		{Method: "GET", Path: requests, ID: "listCalls", Summary: "List the newest calls of all apps, also those that named no app that exists.", Scope: read, Status: ok, Query: recorded, Timeout: maxCallWait + timeout, Endpoint: noBody((*Server).listCalls)},
		{Method: "GET", Path: requests + "/{id}", ID: "readCall", Summary: "Say why a call, or items of it, failed. The id is that of the header Rollcall-Request-Id.", Scope: read, Status: ok, Endpoint: noBody((*Server).readCall)},
		{Method: "GET", Path: oneApp + "/requests", ID: "listAppCalls", Summary: "List the newest calls of an app, or wait for the next ones.", Scope: read, Status: ok, Query: recorded, Timeout: maxCallWait + timeout, Endpoint: noBody((*Server).listAppCalls)},
		{Method: "DELETE", Path: oneApp + "/requests", ID: "clearCalls", Summary: "Forget the calls of an app.", Scope: write, Status: ok, Endpoint: noBody((*Server).clearCalls)},
		{Method: "GET", Path: oneApp + "/rate-report", ID: "rateReport", Summary: "Say which calls the rate limits would have refused, for an app in rate_mode shadow.", Scope: read, Status: ok, Endpoint: noBody((*Server).rateReport)},
		{Method: "GET", Path: root + "/figures", ID: "readFigures", Summary: "Count the calls and accounts of all apps in a span of time.", Scope: read, Status: ok, Query: last, Endpoint: noBody((*Server).readFigures)},
		{Method: "GET", Path: oneApp + "/figures", ID: "readAppFigures", Summary: "Count the calls and accounts of an app in a span of time.", Scope: read, Status: ok, Query: last, Endpoint: noBody((*Server).readAppFigures)},
		{Method: "GET", Path: oneApp + "/figures/days", ID: "readFigureDays", Summary: "Count accounts, logins, different users, users online and webhooks of an app on each of the last 30 days.", Scope: read, Status: ok, Endpoint: noBody((*Server).readFigureDays)},
		{Method: "GET", Path: root + "/status", ID: "readStatus", Summary: "Say how the server is: accounts, disk, memory, and whether it accepts changes.", Scope: read, Status: ok, Endpoint: noBody((*Server).readStatus)},
		{Method: "GET", Path: oneFaults, ID: "listFaults", Summary: "List the faults of a test app.", Scope: read, Status: ok, Endpoint: noBody((*Server).listFaults)},
		{Method: "POST", Path: oneFaults, ID: "addFault", Summary: "Let calls of a test app fail on purpose, until the fault is removed or the server ends.", Scope: write, Status: made, Endpoint: withBody((*Server).addFault)},
		{Method: "DELETE", Path: oneFaults, ID: "clearFaults", Summary: "Remove the faults of a test app.", Scope: write, Status: ok, Endpoint: noBody((*Server).clearFaults)},
		{Method: "DELETE", Path: oneFaults + "/{id}", ID: "removeFault", Summary: "Remove one fault of a test app.", Scope: write, Status: gone, Endpoint: noContent((*Server).removeFault)},
	}
	return slices.Concat(routes, accountRoutes(), deviceRoutes(), importRoutes(), webhookRoutes())
}

// hasQuery reports whether the route has a query parameter of that name.
func (r *Route) hasQuery(name string) bool {
	return slices.ContainsFunc(r.Query, func(p Parameter) bool { return p.Name == name })
}

// webhookRoutes returns the routes of webhooks.
func webhookRoutes() []Route {
	const read, write, ok = account.ScopeRead, account.ScopeWrite, http.StatusOK
	return []Route{
		{Method: "GET", Path: webhook, ID: "readWebhook", Summary: "Read the webhook of an app, without its token and its secret.", Scope: read, Status: ok, Endpoint: noBody((*Server).readWebhook)},
		{Method: "PUT", Path: webhook, ID: "setWebhook", Summary: "Send the events of an app to a URL. A secret that is made is shown this once.", Scope: write, Status: ok, Endpoint: withBody((*Server).setWebhook)},
		{Method: "DELETE", Path: webhook, ID: "unsetWebhook", Summary: "Send no more events of an app. Those that wait are dropped.", Scope: write, Status: http.StatusNoContent, Endpoint: noContent((*Server).unsetWebhook)},
		{Method: "POST", Path: webhook + "/verify", ID: "verifyWebhook", Summary: "Send a test to the webhook of an app: an alert of no calls.", Scope: write, Status: ok, Endpoint: noBody((*Server).verifyWebhook)},
		{Method: "GET", Path: webhook + "/deliveries", ID: "listDeliveries", Summary: "Say which events wait, what was sent, and what could not be delivered.", Scope: read, Status: ok, Endpoint: noBody((*Server).listDeliveries)},
		{Method: "POST", Path: webhook + "/replay", ID: "replayWebhooks", Summary: "Send dead letters again, by id or all.", Scope: write, Status: ok, Endpoint: withBody((*Server).replayWebhooks)},
	}
}

// importRoutes returns the routes of bulk imports.
func importRoutes() []Route {
	const read, write, ok = account.ScopeRead, account.ScopeWrite, http.StatusOK
	rejected := []Parameter{page[0], {"after", false, "only rows after this one; next_after of the page before"}}
	from := []Parameter{{"from", false, "row of the first line, from 1; 1 if absent"}}
	file := []Parameter{
		{"file", true, "name of the file, for people"},
		{"format", false, "csv, tsv, ndjson, json, ids or xlsx; found out if absent"},
		{"encoding", false, "such as gbk; found out if absent"},
		{"delimiter", false, "one character, or tab; found out if absent"},
		{"sheet", false, "of a workbook; the first one if absent"},
		{"map", false, "columns or keys and their meaning, as name=userid,label=nick"},
		{"ignore", false, "columns and keys to drop, with commas between them"},
	}
	stream := []Parameter{
		{"Idempotency-Key", true, "key of the import: 1 to 64 letters, digits, -, _ and ."},
		{"Content-Encoding", false, "gzip or zstd"},
	}
	return []Route{
		{Method: "POST", Path: accounts + ":import", ID: "streamImport", Summary: "Import accounts, a JSON object in each line. Repeat the call with from = row + 1 after a cut.", Scope: write, Status: ok, Query: from, Headers: stream, Body: "application/x-ndjson", Timeout: -1, Endpoint: noBody((*Server).importStream)},
		{Method: "GET", Path: imports, ID: "listImports", Summary: "List the imports of an app by key.", Scope: read, Status: ok, Query: page, Endpoint: noBody((*Server).listImports)},
		{Method: "POST", Path: imports, ID: "createImport", Summary: "Let the server import a file below its --import-dir, as a job. A key that exists returns its import.", Scope: write, Status: ok, Endpoint: withBody((*Server).createImport)},
		{Method: "POST", Path: imports + ":upload", ID: "uploadImport", Summary: "Let the server import the file in the body, as a job. A key that exists returns its import.", Scope: write, Status: ok, Query: file, Headers: stream[:1], Body: "application/octet-stream", Timeout: -1, Endpoint: noBody((*Server).uploadImport)},
		{Method: "POST", Path: imports + ":check", ID: "checkImport", Summary: "Say what an import of the file in the body would do, and import nothing.", Scope: write, Status: ok, Query: file, Body: "application/octet-stream", Timeout: -1, Endpoint: noBody((*Server).checkImport)},
		{Method: "GET", Path: oneImport, ID: "readImport", Summary: "Say how far an import is.", Scope: read, Status: ok, Endpoint: noBody((*Server).readImport)},
		{Method: "PATCH", Path: oneImport, ID: "changeImport", Summary: "Limit the rows per second of an import.", Scope: write, Status: ok, Endpoint: withBody((*Server).changeImport)},
		{Method: "GET", Path: oneImport + "/rejected", ID: "listRejected", Summary: "List the rows that were not imported, and why.", Scope: read, Status: ok, Query: rejected, Endpoint: noBody((*Server).listRejected)},
		{Method: "POST", Path: oneImport + "/pause", ID: "pauseImport", Summary: "Stop an import until it is resumed.", Scope: write, Status: ok, Endpoint: importAction((*bulk.Service).Pause)},
		{Method: "POST", Path: oneImport + "/resume", ID: "resumeImport", Summary: "Let a paused import go on.", Scope: write, Status: ok, Endpoint: importAction((*bulk.Service).Resume)},
		{Method: "POST", Path: oneImport + "/cancel", ID: "cancelImport", Summary: "End an import; what is imported stays.", Scope: write, Status: ok, Endpoint: importAction((*bulk.Service).Cancel)},
	}
}
