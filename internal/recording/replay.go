package recording

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/client"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// Target is the server to replay against, and how.
type Target struct {
	URL      string
	SDKAppID uint32 // takes the place of the recorded one; 0 means the same
	Key      usersig.Key
	Admin    string // takes the place of the recorded admins; empty means administrator

	// HTTPClient sends the requests; nil means one of its own. Redirects are not followed.
	HTTPClient *http.Client
	Timeout    time.Duration // of one call; 0 means 30 s
	UserAgent  string

	// Pace keeps the recorded pauses between calls. Without it calls follow each other at
	// once, and what depends on time may differ.
	Pace bool
}

// A Summary is the result of a replay.
type Summary struct {
	SDKAppID    uint32   `json:"sdkappid"`
	Calls       int      `json:"calls"`       // that were replayed
	Differing   int      `json:"differing"`   // calls of these with a difference
	Differences int      `json:"differences"` // of all calls
	Skipped     int      `json:"skipped"`     // calls whose request was not recorded whole
	Unreadable  int      `json:"unreadable"`  // lines
	Notes       []string `json:"notes"`       // what else to know, one sentence each
}

// A replay is one replay under way.
type replay struct {
	Target
	http    *http.Client
	survey  *survey
	notes   map[string]string // by account: why its calls may differ
	summary Summary
}

// Replay sends the calls of rec to t in order, and calls report for each difference. It
// first asks the server which accounts of the recording exist. An error of the server
// ends it: a *[client.TransportError] or, before the first call, a *[client.Error]. The
// summary is nil if nothing was replayed.
func Replay(ctx context.Context, rec *Recording, t Target, report func(Difference) error) (*Summary, error) {
	s, err := surveyOf(rec)
	if err != nil {
		return nil, err
	}
	t.Admin, t.Timeout = cmp.Or(t.Admin, administrator), cmp.Or(t.Timeout, 30*time.Second)
	if t.SDKAppID = cmp.Or(t.SDKAppID, s.app); t.SDKAppID == 0 {
		return nil, errNoApp
	}
	r := &replay{Target: t, http: sender(t.HTTPClient), survey: s, notes: map[string]string{}}
	r.summary = Summary{SDKAppID: t.SDKAppID, Unreadable: s.unreadable, Notes: []string{}}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	return r.run(ctx, rec, report)
}

// sender returns a copy of c that follows no redirect.
func sender(c *http.Client) *http.Client {
	if c == nil {
		c = &http.Client{Transport: NewTransport()}
	}
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// prepare compares the accounts of the recording with those of the server.
func (r *replay) prepare(ctx context.Context) error {
	api, err := client.New(client.Options{
		BaseURL: r.URL, SDKAppID: r.SDKAppID, Admin: r.Admin, HTTPClient: r.http, Timeout: r.Timeout, UserAgent: r.UserAgent,
		Signer: client.KeySigner(r.Key, r.SDKAppID, r.Admin),
	})
	if err != nil {
		return err
	}
	ids := slices.DeleteFunc(r.survey.watched(), func(id string) bool { return r.survey.admins[id] })
	var existed, lacking []string
	for batch := range slices.Chunk(append(ids, r.Admin), client.MaxBatch) {
		results, err := api.CheckAccounts(ctx, batch)
		if err != nil {
			return err
		}
		for _, result := range results {
			switch was, ok := r.survey.before[result.UserID]; {
			case !ok || result.Code != 0:
			case result.Imported && was != existing:
				existed = append(existed, result.UserID)
			case !result.Imported && was == existing:
				lacking = append(lacking, result.UserID)
			}
		}
	}
	r.noteStates(existed, lacking)
	return nil
}

// noteStates notes that the server begins with other accounts than the recording.
func (r *replay) noteStates(existed, lacking []string) {
	for _, id := range existed {
		r.notes[id] = fmt.Sprintf("%s existed here before the replay: use an empty app", id)
	}
	for _, id := range lacking {
		r.notes[id] = fmt.Sprintf("%s existed before the recording and does not exist here: import it first", id)
	}
	if len(existed) > 0 {
		r.note("%d of the accounts that the recording imports or misses existed before the replay, such as %s, so that first imports and checks may differ: use an empty app", len(existed), existed[0])
	}
	if len(lacking) > 0 {
		r.note("%d of the accounts that existed before the recording do not exist here, such as %s: import them first", len(lacking), lacking[0])
	}
	if r.survey.otherApps > 0 {
		r.note("the recording is of %d apps: only calls of app %d are for app %d here", r.survey.otherApps+1, r.survey.app, r.SDKAppID)
	}
}

func (r *replay) note(format string, args ...any) {
	r.summary.Notes = append(r.summary.Notes, fmt.Sprintf(format, args...))
}

// run replays every call.
func (r *replay) run(ctx context.Context, rec *Recording, report func(Difference) error) (*Summary, error) {
	start := time.Now().Add(ownCalls)
	for e, err := range rec.Exchanges() {
		if _, ok := errors.AsType[*Unreadable](err); ok {
			continue
		}
		if err != nil {
			return &r.summary, err
		}
		if e.Request.Omitted != "" {
			r.summary.Skipped++
			continue
		}
		if err := r.wait(ctx, start, e); err != nil {
			return &r.summary, err
		}
		found, err := r.call(ctx, e)
		if err != nil {
			return &r.summary, err
		}
		r.count(len(found))
		for _, d := range found {
			if err := report(d); err != nil {
				return &r.summary, err
			}
		}
	}
	return &r.summary, nil
}

func (r *replay) count(differences int) {
	r.summary.Calls++
	r.summary.Differences += differences
	if differences > 0 {
		r.summary.Differing++
	}
}

// ownCalls is the pause before the first call if the pauses are kept. The calls that
// prepare a replay then count for no rate limit.
const ownCalls = 2 * time.Second

// wait waits until the call is due, if the pauses are kept.
func (r *replay) wait(ctx context.Context, start time.Time, e *Exchange) error {
	if !r.Pace {
		return ctx.Err()
	}
	due := time.NewTimer(time.Until(start.Add(time.Duration(e.At) * time.Millisecond)))
	defer due.Stop()
	select {
	case <-due.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call replays one call and returns its differences.
func (r *replay) call(ctx context.Context, e *Exchange) ([]Difference, error) {
	command := e.command()
	recorded, _ := parse(e.Response.raw())
	resp, body, err := r.send(ctx, e, codeIn(recorded))
	if err != nil {
		return nil, &client.TransportError{Op: fmt.Sprintf("call %d %s", e.Call, command), Err: err}
	}
	c := new(comparer)
	if was := e.Response.Status; was != resp.StatusCode {
		c.add("", StatusDiffers, fmt.Sprint(was), fmt.Sprint(resp.StatusCode))
	}
	if now, ok := mediaTypeOf(resp.Header.Get("Content-Type")); !ok || now != e.Response.ContentType {
		c.add("", TypeOfContent, e.Response.ContentType, resp.Header.Get("Content-Type"))
	}
	if e.Response.Omitted == "" {
		c.bodies(rewrite(e.Response.raw(), r.translator(true)), body)
	}
	if len(c.found) > 0 {
		replayed, _ := parse(body)
		note := r.noteFor(e, codeIn(recorded), codeIn(replayed))
		for i := range c.found {
			c.found[i].Call, c.found[i].Command, c.found[i].Note = e.Call, command, note
		}
	}
	return c.found, nil
}

// codeIn returns the ErrorCode of a response, or 0.
func codeIn(resp value) wire.Code {
	code := 0
	if v, ok := resp.member("ErrorCode"); ok {
		_, _ = fmt.Sscan(v.raw, &code) // what is no number is 0
	}
	return wire.Code(code)
}

// noteFor returns a likely cause of the differences of a call that is not the server.
func (r *replay) noteFor(e *Exchange, codes ...wire.Code) string {
	for _, code := range codes {
		switch code {
		case wire.CommandRate, wire.AppRate, wire.TooFrequent, wire.TooFrequentAlias, wire.TooManyBadSigs, wire.Tombstoned:
			if !r.Pace {
				return "it depends on time: keep the recorded pauses"
			}
		}
	}
	for id := range idsIn(e.Request.raw()) {
		if note := r.notes[id]; note != "" {
			return note
		}
	}
	return ""
}

// send sends the request of e.
func (r *replay) send(ctx context.Context, e *Exchange, recorded wire.Code) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	query, err := r.query(e, recorded)
	if err != nil {
		return nil, nil, err
	}
	body := rewrite(e.Request.raw(), r.translator(false))
	target := strings.TrimRight(r.URL, "/") + e.Request.Path + "?" + query
	req, err := http.NewRequestWithContext(ctx, e.Request.Method, target, bytes.NewReader(body))
	if err != nil {
		return nil, nil, errors.New("the recorded path is no path")
	}
	req.Header.Set("User-Agent", r.UserAgent)
	if e.Request.ContentType != "" {
		req.Header.Set("Content-Type", e.Request.ContentType)
	}
	resp, err := r.http.Do(req)
	if u, ok := errors.AsType[*url.Error](err); ok {
		return nil, nil, u.Err // the text of u itself contains the signature
	}
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(answer) > maxBody {
		err = errors.New("the response has more than 2 MiB")
	}
	return resp, answer, err
}
