// Package calls keeps finished calls of the account API in memory. The admin API
// reads them: to say why a call or an item of it failed, and to tell tests what was
// called. The calls are gone when the server ends.
package calls

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Call is one finished call of the account API. It never contains a UserSig.
type Call struct {
	Seq        uint64     `json:"seq"`                  // increases with every call, also of later servers
	RequestID  string     `json:"request_id"`           // value of the header Rollcall-Request-Id
	Time       time.Time  `json:"time"`                 // real time at which the response was ready
	SDKAppID   uint32     `json:"sdkappid"`             // 0 if the call named no app that exists
	Command    string     `json:"command"`              // "" if the path names no command
	Identifier string     `json:"identifier"`           // as the caller sent it, cut after 64 bytes
	Peer       string     `json:"peer"`                 // address of the caller
	Status     int        `json:"status"`               // HTTP status; 0 if a fault cut the connection before the response
	Code       int        `json:"code"`                 // ErrorCode of the response; 0 for success
	Info       string     `json:"info,omitempty"`       // ErrorInfo of the response; absent after success
	Advice     string     `json:"advice,omitempty"`     // what was wrong and what to do; absent after success
	TookUS     int64      `json:"took_us"`              // microseconds from the head of the request to its response, without the delay of a fault
	Items      int        `json:"items"`                // number of items of a batch
	Failed     int        `json:"failed"`               // number of items that failed
	Failures   []Failure  `json:"failures,omitempty"`   // failed items of a test app or of a call with Rollcall-Explain
	RateShadow int        `json:"rate_shadow,omitzero"` // code that would have refused the call if the app enforced rate limits
	Fault      string     `json:"fault,omitempty"`      // id of the fault that changed the response
	Signature  *Signature `json:"signature,omitempty"`  // content of the UserSig; only of test apps
	Request    *Body      `json:"request,omitempty"`    // body of the request; only of test apps, and only if the call passed the checks of its caller
	Response   *Body      `json:"response,omitempty"`   // body of the response; only of test apps
}

// A Failure is an item of a batch that failed.
type Failure struct {
	Item   int    `json:"item"` // index in the request
	UserID string `json:"userid"`
	Code   int    `json:"code"`
	Info   string `json:"info"`   // meaning of the code, or what exactly was wrong
	Advice string `json:"advice"` // what was wrong and what to do
}

// A Signature is what a UserSig says, without the signature itself. It may be false.
type Signature struct {
	Version    int       `json:"version"` // 1 or 2
	SDKAppID   uint32    `json:"sdkappid"`
	Identifier string    `json:"identifier"`
	IssuedAt   time.Time `json:"issued_at"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// MaxBody is the number of bytes that are kept of a body.
const MaxBody = 64 << 10

// A Body is the body of a request or of a response.
type Body struct {
	Text  string `json:"text"`         // at most the first 65536 bytes
	Bytes int    `json:"bytes"`        // length of the whole body
	Cut   bool   `json:"cut,omitzero"` // whether the end of the text is missing
}

// NewBody returns a copy of b, cut after [MaxBody] bytes.
func NewBody(b []byte) *Body {
	kept := string(b[:min(len(b), MaxBody)])
	if len(kept) < len(b) {
		kept = strings.ToValidUTF8(kept, "") // the cut may have split a character
	}
	return &Body{Text: kept, Bytes: len(b), Cut: len(b) > MaxBody}
}

// size returns about how many bytes of memory c needs.
func (c *Call) size() int {
	const fixed, perFailure, perBody = 600, 90, 40
	n := fixed + len(c.Info) + len(c.Advice) + len(c.Identifier)
	for i := range c.Failures {
		f := &c.Failures[i]
		n += perFailure + len(f.UserID) + len(f.Info) + len(f.Advice)
	}
	for _, b := range []*Body{c.Request, c.Response} {
		if b != nil {
			n += perBody + len(b.Text)
		}
	}
	return n
}

// A Filter selects calls. The zero Filter selects all.
type Filter struct {
	App     uint32 // only calls of this app; 0 for all, with those that named no app that exists
	Command string // only this command; "" for all
	Code    *int   // only calls with this code, or with an item that failed with it; nil for all
	UserID  string // only calls by or about this account, see [Call.About]; "" for all
}

// About reports whether c was made by an account, or names it: in an item that failed, or
// as a text in the kept part of the body of its request. In the body, the text may be
// escaped only as far as JSON demands.
func (c *Call) About(userID string) bool {
	if c.Identifier == userID || slices.ContainsFunc(c.Failures, func(f Failure) bool { return f.UserID == userID }) {
		return true
	}
	if c.Request == nil {
		return false
	}
	quoted, err := jsontext.AppendQuote(nil, userID)
	return err == nil && strings.Contains(c.Request.Text, string(quoted))
}

func (f Filter) selects(c *Call) bool {
	if f.Command != "" && c.Command != f.Command {
		return false
	}
	if f.UserID != "" && !c.About(f.UserID) {
		return false
	}
	return f.Code == nil || c.Code == *f.Code ||
		slices.ContainsFunc(c.Failures, func(x Failure) bool { return x.Code == *f.Code })
}
