package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"rollcall/internal/adminapi"
)

// A CallRecord is one finished call of the account API, as the server keeps it. It says
// why the call or items of it failed. Only calls of test apps have bodies.
type CallRecord = adminapi.Call

// A CallFailure is an item of a batch that failed.
type CallFailure = adminapi.CallFailure

// Call returns the call with a request id, which is the value of the response header
// Rollcall-Request-Id and the RequestID of an [Error]. If the server does not keep that
// call, the error is [SlugNotFound]. A server keeps the newest 1000 calls of an app since
// its start: every call of a test app, refused calls, and calls of a [Client]. Call needs
// the scope read.
func (c *AdminClient) Call(ctx context.Context, requestID string) (*CallRecord, error) {
	call := new(CallRecord)
	return result(call, c.call(ctx, adminCall{method: http.MethodGet, path: "/requests/" + url.PathEscape(requestID), resp: call}))
}

// A CallQuery selects the calls to list. The zero CallQuery selects all that the server
// keeps.
type CallQuery struct {
	Command string // only calls of this command; "" for all
	Code    *int   // only calls with this code, or with an item that failed with it; nil for all
	UserID  string // only calls that this account made, or that name it in the kept part of the body or in an item that failed; "" for all
	Bodies  bool   // with the bodies of calls of test apps
	Newest  int    // begin with this number of newest calls, at most MaxPage; 0 begins with the oldest
	Follow  bool   // at the end wait for more calls, until the context ends
}

// Calls iterates over the calls of an app, oldest first. With the SDKAppID 0 it iterates
// over the calls of all apps and those that named no app that exists. It ends after an
// error. It needs the scope read.
func (c *AdminClient) Calls(ctx context.Context, sdkAppID uint32, q CallQuery) iter.Seq2[*CallRecord, error] {
	path := "/requests"
	if sdkAppID != 0 {
		path = appPath(sdkAppID) + path
	}
	return func(yield func(*CallRecord, error) bool) {
		query := q.values()
		for begin := true; ; begin = false {
			var page adminapi.CallList
			err := c.call(ctx, adminCall{method: http.MethodGet, path: path, query: query, resp: &page})
			if err != nil {
				yield(nil, err)
				return
			}
			if begin && q.Newest > 0 {
				slices.Reverse(page.Calls) // a page without after is newest first
			}
			for _, call := range page.Calls {
				if !yield(call, nil) {
					return
				}
			}
			if !q.Follow && (len(page.Calls) == 0 || q.Newest > 0) {
				return
			}
			query.Set("after", strconv.FormatUint(page.Last, 10))
			query.Del("limit")
			if q.Follow {
				query.Set("wait", strconv.Itoa(c.longestWait()))
			}
		}
	}
}

// values returns the query of the first page.
func (q *CallQuery) values() url.Values {
	v := url.Values{}
	if q.Newest > 0 {
		v.Set("limit", strconv.Itoa(min(q.Newest, MaxPage)))
	} else {
		v.Set("after", "0")
	}
	if q.Command != "" {
		v.Set("command", q.Command)
	}
	if q.Code != nil {
		v.Set("code", strconv.Itoa(*q.Code))
	}
	if q.UserID != "" {
		v.Set("userid", q.UserID)
	}
	if q.Bodies {
		v.Set("bodies", "true")
	}
	return v
}

// longestWait returns for how many seconds the server may wait before it responds: half
// of the time that one request has, at most 50.
func (c *AdminClient) longestWait() int {
	half := min(c.transport.attempt, c.retrier.timeout) / 2
	return int(min(max(half, time.Second), 50*time.Second) / time.Second)
}

// ClearCalls lets the server forget the calls of an app, and returns their number. It
// needs the scope write.
func (c *AdminClient) ClearCalls(ctx context.Context, sdkAppID uint32) (int, error) {
	var resp adminapi.Cleared
	err := c.call(ctx, adminCall{method: http.MethodDelete, path: appPath(sdkAppID) + "/requests", resp: &resp})
	return resp.Cleared, err
}

// A NewCall is a call of the account API that the server makes for a test app. Text is
// sent as it is. Without it, Body is sent; the zero Body is an empty object.
type NewCall = adminapi.NewCall

// A MadeCall is the response to a call that the server has made.
type MadeCall = adminapi.MadeCall

// MakeCall lets the server make a call of the account API and sign it with the newest HMAC
// key of a test app. For any other app the error is [SlugForbidden]. The call passes the
// same checks, limits and faults as a call of a client, comes from the address 127.0.0.1,
// and is kept like one: see [AdminClient.Call]. MakeCall needs the scope admin.
func (c *AdminClient) MakeCall(ctx context.Context, sdkAppID uint32, n NewCall) (*MadeCall, error) {
	made := new(MadeCall)
	return result(made, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/call", body: n, resp: made}))
}

// A RateReport says which calls the rate limits of an app would have refused if its rate
// mode were not shadow.
type RateReport = adminapi.RateReport

// A RateSummary sums up one command of a [RateReport].
type RateSummary = adminapi.RateSummary

// A RateSecond is one second of a [RateReport].
type RateSecond = adminapi.RateSecond

// RateReport returns the report of an app, since the start of the server. It needs the
// scope read.
func (c *AdminClient) RateReport(ctx context.Context, sdkAppID uint32) (*RateReport, error) {
	report := new(RateReport)
	return result(report, c.call(ctx, adminCall{method: http.MethodGet, path: appPath(sdkAppID) + "/rate-report", resp: report}))
}
