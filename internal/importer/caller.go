package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"rollcall/client"
)

// A caller makes the calls of a run by wire: it paces and repeats them. It is safe for
// concurrent use.
type caller struct {
	job     *Job
	command string          // of batches
	calls   context.Context // of calls under way
	waits   context.Context // of pauses between them; ends when the run is stopped
	stop    context.CancelFunc
	pace    map[string]*rate.Limiter
	retries atomic.Int64

	mu      sync.Mutex
	contact time.Time // last answer of the target, or the beginning
	away    error     // the newest failure since then
}

// Pauses before a call is repeated. They double up to maxPause.
const (
	firstPause = 100 * time.Millisecond
	slowPause  = time.Second // servers count calls in whole seconds
	maxPause   = 10 * time.Second
)

// maxTries is how often a row, or a call beside others that succeed, is tried if the target
// answers with a code that a retry may help against.
const maxTries = 8

func newCaller(ctx, calls context.Context, j *Job) *caller {
	c := &caller{job: j, command: "multiaccount_import", calls: calls, pace: map[string]*rate.Limiter{}, contact: time.Now()}
	if j.Operation == Delete {
		c.command = "account_delete"
	}
	c.waits, c.stop = context.WithCancel(ctx)
	for command, limit := range j.Wire.Limits {
		if limit > 0 {
			c.pace[command] = rate.NewLimiter(rate.Limit(limit), 1)
		}
	}
	return c
}

// do makes the calls of b and sets the verdicts of its rows.
func (c *caller) do(b *batch) {
	rows := b.rows
	for try := 0; len(rows) > 0; try++ {
		if try > 0 {
			c.retries.Add(1)
			if b.err = sleep(c.waits, pause(c.job.firstPause(), try-1)); b.err != nil {
				return
			}
		}
		var again []*row
		again, b.err = c.batch(b, rows, try)
		if b.err != nil {
			return
		}
		rows = again
	}
}

// batch makes one call and returns the rows to try again.
func (c *caller) batch(b *batch, rows []*row, try int) (again []*row, err error) {
	results, err := c.results(b, rows)
	if c.ofRow(err) {
		return nil, c.each(b, rows) // one of them spoils the call
	}
	if err != nil {
		return nil, err
	}
	var alone []*row
	for i, r := range rows {
		switch res := results[i]; {
		case res.Code == 0:
			err = c.finish(b, r)
		case res.Code == client.CodeUnexplained:
			alone = append(alone, r)
		case c.job.Operation == Delete && res.Code == client.CodeNoAccount:
			r.answer(verdict{absent: true})
		case res.Code.Retryable() && try < maxTries:
			again = append(again, r)
		default:
			r.answer(verdict{code: res.Code, reason: why(r, res.Code, res.Info)})
		}
		if err != nil {
			return nil, err
		}
	}
	return again, c.each(b, alone)
}

// results makes one call and returns a result for each row.
func (c *caller) results(b *batch, rows []*row) (results []client.Result, err error) {
	if c.job.Operation == Delete {
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.id
		}
		err = c.ask(b, c.command, func(ctx context.Context) (err error) {
			results, err = c.job.Wire.Client.DeleteAccounts(ctx, ids)
			return err
		})
	} else {
		accounts := make([]client.Account, len(rows))
		for i, r := range rows {
			accounts[i] = r.account()
		}
		err = c.ask(b, c.command, func(ctx context.Context) (err error) {
			results, err = c.job.Wire.Client.ImportAccounts(ctx, accounts)
			return err
		})
	}
	if err == nil && len(results) != len(rows) {
		err = fmt.Errorf("%s: the answer has %d results for %d ids", c.command, len(results), len(rows))
	}
	return results, err
}

// each imports or deletes rows one by one, in their order, so that each gets its reason.
func (c *caller) each(b *batch, rows []*row) error {
	for _, r := range rows {
		err := c.one(b, r)
		e, _ := errors.AsType[*client.Error](err)
		switch {
		case err == nil:
			err = c.finish(b, r)
		case e != nil && c.job.Operation == Delete && e.Code == client.CodeNoAccount:
			r.answer(verdict{absent: true})
			err = nil
		case c.ofRow(err):
			r.answer(verdict{code: e.Code, reason: why(r, e.Code, e.Info)})
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *caller) one(b *batch, r *row) error {
	if c.job.Operation == Import {
		return c.ask(b, "account_import", func(ctx context.Context) error {
			return c.job.Wire.Client.ImportAccount(ctx, r.account())
		})
	}
	return c.ask(b, c.command, func(ctx context.Context) error {
		results, err := c.job.Wire.Client.DeleteAccounts(ctx, []string{r.id})
		if err == nil && len(results) == 1 && results[0].Code != 0 {
			err = &client.Error{Command: c.command, Code: results[0].Code, Info: results[0].Info}
		}
		return err
	})
}

// finish sets the tags of an account that was imported, and the verdict of its row.
func (c *caller) finish(b *batch, r *row) error {
	if len(r.tags) > 0 {
		err := c.ask(b, "portrait_set", func(ctx context.Context) error {
			return c.job.Wire.Client.SetProfile(ctx, r.id, r.tags...)
		})
		if e, ok := errors.AsType[*client.Error](err); ok && (ofProfile(e) || c.ofRow(err)) {
			r.answer(verdict{code: e.Code, reason: "the account was imported, but its profile was refused: " + e.Info})
			return nil
		}
		if err != nil {
			return err
		}
	}
	r.answer(verdict{})
	return nil
}

// ask makes one call, at the pace of its command, until the target answers it. Its error is
// the answer, or ends the run.
func (c *caller) ask(b *batch, command string, call func(context.Context) error) error {
	began := time.Now()
	for try := 0; ; try++ {
		if c.waits.Err() != nil {
			return errStopped
		}
		if p := c.pace[command]; p != nil {
			if p.Wait(c.waits) != nil {
				return errStopped
			}
		}
		err := call(c.calls)
		if c.calls.Err() != nil {
			return errStopped
		}
		kind := kindOf(err)
		if kind == answered {
			c.heard()
			return err
		}
		if kind != slow {
			b.unsettled = true
		}
		if away, alone := c.givesUp(kind, err, began, try); alone {
			return err
		} else if away {
			return &awayError{err}
		}
		c.retries.Add(1)
		base := c.job.firstPause()
		if kind == slow {
			base = slowPause
		}
		if err := sleep(c.waits, pause(base, try)); err != nil {
			return err
		}
	}
}

// Kinds of failures.
type kind int

const (
	answered kind = iota // a success, or an answer that a retry does not change
	slow                 // too many calls: a retry helps
	failing              // the target answers that it cannot now
	silent               // there is no answer
)

func kindOf(err error) kind {
	if e, ok := errors.AsType[*client.TransportError](err); ok {
		if !e.Temporary() {
			return answered
		}
		return silent
	}
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status >= http.StatusInternalServerError {
		return silent
	}
	e, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok || !e.Code.Retryable():
		return answered
	case tooFast(e.Code):
		return slow
	}
	return failing
}

// tooFast reports whether a code says that calls are too frequent.
func tooFast(c client.Code) bool {
	return c == client.CodeCommandRate || c == client.CodeAppRate || c == 60018 || c == 60019
}

// heard notes that the target answers.
func (c *caller) heard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.contact, c.away = time.Now(), nil
}

// An awayError says that the target was away too long. It is about no row.
type awayError struct{ err error }

func (e *awayError) Error() string { return e.err.Error() }
func (e *awayError) Unwrap() error { return e.err }

// givesUp reports whether a call is not repeated: because the target is away too long, or
// because this call alone fails.
func (c *caller) givesUp(k kind, err error, began time.Time, try int) (away, alone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	others := c.contact.After(began)
	if k == slow {
		c.contact, c.away = time.Now(), nil
		return false, false
	}
	c.away = err
	if k == failing && others && try >= maxTries-1 {
		return false, true
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound && c.job.Wait > 0 && time.Since(c.contact) > 10*time.Second {
		return true, false // the name is wrong
	}
	return time.Since(c.contact) >= c.job.Wait, false
}

// awayNote says that the target is away, or "".
func (c *caller) awayNote() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away == nil || time.Since(c.contact) < 2*time.Second {
		return ""
	}
	return awayText(c.away, c.contact, c.job.Wait)
}

// awayText says how long the target has not taken calls, how long the run waits, and why.
func awayText(err error, contact time.Time, wait time.Duration) string {
	why := rootOf(err).Error()
	if p, ok := errors.AsType[*client.Problem](err); ok {
		why = cmp.Or(p.Detail, p.Title)
	}
	state := "the target is away"
	if isAnswer(err) {
		state = "the target fails"
	}
	return fmt.Sprintf("%s for %s, waiting up to %s: %s", state, briefly(time.Since(contact)), briefly(wait), why)
}

// isAnswer reports whether an error is an answer of the target.
func isAnswer(err error) bool {
	_, problem := errors.AsType[*client.Problem](err)
	_, code := errors.AsType[*client.Error](err)
	return problem || code
}

// briefly returns a duration in seconds without units that are 0: "1h" for 1h0m0s.
func briefly(d time.Duration) string {
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// rootOf returns the innermost cause of err, which is short.
func rootOf(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// pause returns a random pause before retry n.
func pause(base time.Duration, n int) time.Duration {
	d := min(base<<min(n, 10), maxPause)
	return d/2 + rand.N(d)
}

// ofRow reports whether an error of ask is about the rows of the call: others succeed.
func (c *caller) ofRow(err error) bool {
	if _, away := errors.AsType[*awayError](err); away {
		return false
	}
	e, ok := errors.AsType[*client.Error](err)
	return ok && (ofItem(c.job.Operation, e) || e.Code.Retryable())
}

// ofItem reports whether a code is about an item, not about the call or its caller.
func ofItem(o Operation, e *client.Error) bool {
	switch e.Code {
	case client.CodeBadParameter, client.CodeValueTooLong, client.CodeSensitiveWord, client.CodeTombstoned, client.CodeQuotaExceeded,
		60015, 80001:
		return true
	case client.CodeNoAccount:
		return o == Delete
	}
	return false
}

// ofProfile reports whether a code is about the values of a profile.
func ofProfile(e *client.Error) bool {
	return 40001 <= e.Code && e.Code <= 40009 && e.Code != 40004 && e.Code != 40006 || 40601 <= e.Code && e.Code <= 40610
}

// why returns why a row was rejected. A server that gives a number only gets our text for it.
func why(r *row, code client.Code, info string) string {
	if info != "" {
		return info
	}
	if text := code.Text(); text != "" {
		return text
	}
	return "the server gives no reason"
}
