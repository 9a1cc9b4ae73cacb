package admin

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
)

// A Slug names a kind of problem.
type Slug struct {
	Name   string
	Status int    // HTTP status
	Title  string // for a person; the same for every problem of the kind
	Remedy string // what to do, one sentence
}

var (
	badRequest   = Slug{"bad-request", http.StatusBadRequest, "The request cannot be understood.", "Correct the request; /openapi/admin.json describes every call."}
	unauthorized = Slug{"unauthorized", http.StatusUnauthorized, "A valid token is missing.", "Send a token that is known and has not expired, as \"Authorization: Bearer rct_…\"."}
	forbidden    = Slug{"forbidden", http.StatusForbidden, "This is not allowed.", "Use a token and an app that allow the call."}
	viaProxy     = Slug{forbidden.Name, forbidden.Status, forbidden.Title, "Start the server with --admin-listen and call that address, or let the proxy do so."}
	notFound     = Slug{"not-found", http.StatusNotFound, "There is no such thing.", "Check the path and the ids in it."}
	noApp        = Slug{notFound.Name, notFound.Status, notFound.Title, "\"rollcall app list\" shows the apps; GET /admin/v1/apps does, too."}
	noKey        = Slug{notFound.Name, notFound.Status, notFound.Title, "\"rollcall app key list\" shows the app's keys; GET /admin/v1/apps/SDKAPPID does, too."}
	noToken      = Slug{notFound.Name, notFound.Status, notFound.Title, "\"rollcall token list\" shows the tokens; GET /admin/v1/tokens does, too."}
	noSnapshot   = Slug{notFound.Name, notFound.Status, notFound.Title, "\"rollcall snapshot list\" shows the app's snapshots; GET /admin/v1/apps/SDKAPPID/snapshots does, too."}
	noCall       = Slug{notFound.Name, notFound.Status, notFound.Title, "Check the id; a server keeps the newest 1000 calls of an app since its start: every one of a test app, refused ones, and those with \"Rollcall-Explain: 1\"."}
	noImport     = Slug{notFound.Name, notFound.Status, notFound.Title, "\"rollcall job list\" shows the app's imports; GET /admin/v1/apps/SDKAPPID/imports does, too."}
	noDevice     = Slug{notFound.Name, notFound.Status, notFound.Title, "\"rollcall device list USERID\" shows the devices of an account; GET /admin/v1/apps/SDKAPPID/accounts/USERID/devices does, too."}
	noWebhook    = Slug{notFound.Name, notFound.Status, notFound.Title, "Set one with \"rollcall webhook set\"; PUT /admin/v1/apps/SDKAPPID/webhook does, too."}
	noFault      = Slug{notFound.Name, notFound.Status, notFound.Title, "\"rollcall fault list\" shows the app's faults; GET /admin/v1/apps/SDKAPPID/faults does, too."}
	badMethod    = Slug{"method-not-allowed", http.StatusMethodNotAllowed, "The path does not know the method.", "Use a method that the Allow header names."}
	exists       = Slug{"exists", http.StatusConflict, "It exists already.", "Change what exists, or choose another id."}
	conflict     = Slug{"conflict", http.StatusConflict, "The present state does not allow this.", "Look at the present state, then correct the call or change that state first."}
	tooLarge     = Slug{"too-large", http.StatusRequestEntityTooLarge, "The body is too large.", "Send less in one call."}
	misdirected  = Slug{"misdirected", http.StatusMisdirectedRequest, "The request is meant for another host.", "Call the server by its address, or by a name that it knows."}
	unsupported  = Slug{"unsupported", http.StatusUnprocessableEntity, "The store cannot do this.", "Start the server with a store and settings that can do this."}
	internal     = Slug{"internal", http.StatusInternalServerError, "The server failed.", "Repeat the call; if it goes on failing, look up the request's id in the server's log."}
	unavailable  = Slug{"unavailable", http.StatusServiceUnavailable, "The server cannot do this now.", "Repeat the call after the seconds that the Retry-After header names."}
)

// Slugs returns every kind of problem.
func Slugs() []Slug {
	return []Slug{
		badRequest, unauthorized, forbidden, notFound, badMethod, exists,
		conflict, tooLarge, misdirected, unsupported, internal, unavailable,
	}
}

// slugs maps each Code to a problem. A test fails if one is missing.
var slugs = map[account.Code]Slug{
	account.Internal:        internal,
	account.Unavailable:     unavailable,
	account.Unknown:         unavailable,
	account.Exists:          exists,
	account.NoApp:           noApp,
	account.NoAccount:       notFound,
	account.NoKey:           noKey,
	account.NoToken:         noToken,
	account.NoSnapshot:      noSnapshot,
	account.NoImport:        noImport,
	account.NoDevice:        noDevice,
	account.Replaced:        conflict,
	account.NoWebhook:       noWebhook,
	account.InvalidID:       badRequest,
	account.InvalidApp:      badRequest,
	account.Malformed:       badRequest,
	account.IDNotString:     badRequest,
	account.BadParameter:    badRequest,
	account.EmptyBatch:      badRequest,
	account.BatchTooLarge:   tooLarge,
	account.NotAdmin:        forbidden,
	account.ValueTooLong:    badRequest,
	account.ValueNotAllowed: badRequest,
	account.ValueType:       badRequest,
	account.UnknownTag:      badRequest,
	account.TagNotReadable:  badRequest,
	account.TagNotWritable:  badRequest,
	account.SensitiveWord:   badRequest,
	account.Tombstoned:      conflict,
	account.QuotaFull:       conflict,
	account.DeletionOff:     conflict,
	account.AdminProtected:  conflict,
	account.Conflict:        conflict,
	account.NoRecord:        internal,
	account.Stale:           internal,
}

// reasons contains details of Codes that come without one.
var reasons = map[account.Code]string{
	account.NoAccount:   "the app has no account with that UserID",
	account.QuotaFull:   "the app has as many accounts as its quota allows; delete some, or raise the quota",
	account.DeletionOff: "the app does not allow to delete accounts; set allow_delete to true",
}

// A Problem is the body of every error (RFC 9457).
type Problem struct {
	Type   string `json:"type"` // path on the server that explains the kind
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"` // what is wrong with this request
	Remedy string `json:"remedy"` // what to do, one sentence
	Code   string `json:"code"`   // the slug, for programs

	// If the account that a read names was deleted, the problem not-found has the time, and
	// the time from which its id can be imported again. There is no second one if the app has
	// no ban.
	DeletedAt      time.Time `json:"deleted_at,omitzero"`
	TombstoneUntil time.Time `json:"tombstone_until,omitzero"`
}

// A deletedError is the error of a read of an account that was deleted.
type deletedError struct{ at, until time.Time }

func (e *deletedError) Error() string { return "deleted" }

func (e *deletedError) detail() string {
	at := e.at.Format(time.RFC3339)
	if e.until.IsZero() {
		return fmt.Sprintf("the account was deleted at %s; its UserID can be used again", at)
	}
	return fmt.Sprintf("the account was deleted at %s; its UserID can be used again from %s", at, e.until.Format(time.RFC3339))
}

// A problemError is an error of this package, which becomes a [Problem]. Its detail is sent but never logged, because it
// may repeat what the client sent.
type problemError struct {
	slug   Slug
	detail string
}

func (e *problemError) Error() string { return e.slug.Name }

// bad returns the error of a request that cannot be understood.
func bad(detail string) error { return &problemError{badRequest, detail} }

// classify returns the kind and the detail of the problem of an error. No other function
// does. The cause of an error is only logged.
func classify(err error) (Slug, string) {
	if p, ok := errors.AsType[*problemError](err); ok {
		return p.slug, p.detail
	}
	if d, ok := errors.AsType[*deletedError](err); ok {
		return notFound, d.detail()
	}
	if _, ok := errors.AsType[*httpx.BusyError](err); ok {
		return unavailable, "too many admin requests are being served; try again"
	}
	code := account.CodeOf(err)
	e, ok := errors.AsType[*account.Error](err)
	switch {
	case ok && e.Detail != "":
		return slugs[code], e.Detail
	case reasons[code] != "":
		return slugs[code], reasons[code]
	case slugs[code].Status < http.StatusInternalServerError:
		return slugs[code], code.String()
	}
	return slugs[code], "the server's log says more"
}

// ProblemOf describes an error of [Server.Do]. A cause that only the log may have is left
// out.
func ProblemOf(err error) Problem {
	slug, detail := classify(err)
	p := Problem{Type: "/docs/errors#" + slug.Name, Title: slug.Title, Status: slug.Status, Detail: detail, Remedy: slug.Remedy, Code: slug.Name}
	if d, ok := errors.AsType[*deletedError](err); ok {
		p.DeletedAt, p.TombstoneUntil = d.at, d.until
	}
	return p
}

// fail responds with the problem of err.
func (c *call) fail(err error) {
	slug, _ := classify(err)
	switch {
	case slug == unauthorized:
		c.w.Header().Set("WWW-Authenticate", "Bearer")
	case slug == unavailable:
		c.w.Header().Set("Retry-After", "1")
		c.event.Fail(err)
	case slug.Status >= http.StatusInternalServerError:
		c.event.Fail(err)
	}
	c.event.SetCode(slug.Status)
	c.event.Add(slog.String("problem", slug.Name))
	body, _ := encode(ProblemOf(err)) // plain fields always encode
	setHeaders(c.w.Header())
	write(c.w, slug.Status, "application/problem+json", body)
}

// refuse responds to a request that reached no route because the server is too busy, or
// whose handler panicked.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) slog.Level {
	c := &call{w: w, r: r, event: httpx.EventFrom(r.Context())}
	c.fail(err)
	return slog.LevelError
}
