package client

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Slugs of a [Problem].
const (
	SlugUnauthorized     = "unauthorized" // no token, an unknown one, or an expired one
	SlugForbidden        = "forbidden"    // the token's scopes do not allow it
	SlugBadRequest       = "bad-request"
	SlugNotFound         = "not-found"
	SlugMethodNotAllowed = "method-not-allowed"
	SlugExists           = "exists"
	SlugConflict         = "conflict" // the app changed meanwhile, or still has accounts
	SlugTooLarge         = "too-large"
	SlugInternal         = "internal"
	SlugUnavailable      = "unavailable"
	SlugUnsupported      = "unsupported" // the store cannot do this
)

// A Problem is the error of a call of the admin API that the server refused or could
// not serve. The server sends it as problem details (RFC 9457).
type Problem struct {
	Op        string `json:"-"`      // method and path
	Status    int    `json:"status"` // HTTP status
	Slug      string `json:"code"`   // one of the Slug constants
	Title     string `json:"title"`
	Detail    string `json:"detail"` // what is wrong
	Remedy    string `json:"remedy"` // what to do, in one sentence
	Type      string `json:"type"`   // address of the documentation of the slug
	RequestID string `json:"-"`      // identifies the call in the server's log

	// If a read names an account that was deleted, DeletedAt is the time of that, and its id
	// can be imported again from TombstoneUntil, or at once if that is zero. Otherwise both
	// are zero.
	DeletedAt      time.Time `json:"deleted_at"`
	TombstoneUntil time.Time `json:"tombstone_until"`
}

func (p *Problem) Error() string {
	s := fmt.Sprintf("%s: %d %s", p.Op, p.Status, cmp.Or(p.Slug, p.Title))
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	if p.Remedy != "" && !advises(p.Detail) {
		s += " — " + p.Remedy
	}
	if p.RequestID != "" {
		s += " (request " + p.RequestID + ")"
	}
	return s
}

// problem returns the error of a failed call: a Problem or, if the response is not of the
// admin API, a TransportError.
func problem(op string, a *response) error {
	p := &Problem{Op: op, Status: a.status, RequestID: a.header.Get("Rollcall-Request-Id")}
	mediaType, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if mediaType != "application/problem+json" || json.Unmarshal(a.body, p, lenient) != nil {
		return &TransportError{Op: op, Status: a.status, Err: errNoAdmin}
	}
	p.Status = a.status
	return p
}
