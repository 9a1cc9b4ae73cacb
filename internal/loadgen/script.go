package loadgen

import (
	"bytes"
	"fmt"

	"rollcall/internal/wire"
)

// A script builds the requests of one connection and checks their responses.
type script interface {
	// request returns the bytes of call number c. They are valid until the next
	// call.
	request(c int64) []byte

	// check returns the number of accounts of the call with this response, or
	// why the call did not succeed.
	check(c int64, status int, body []byte) (accounts int64, err error)
}

// unknown is the first number of the accounts that never exist.
const unknown = 1 << 48

// verifyEvery is the interval of responses whose content is checked: one in 16.
const verifyEvery = 16

// A batchScript is a [script] of a command of the account protocol, or of a call of the
// admin API, with many accounts.
type batchScript struct {
	o        *Options
	w        *Workload
	req      *request
	scatter  scatter
	family   uint64
	original uint64 // the edition of version 0
}

func newBatchScript(o *Options, w *Workload, host, query string) *batchScript {
	t := target{host: host}
	if w.admin != "" {
		t.path, t.token = fmt.Sprintf("/admin/v1/apps/%d%s", o.Credentials.SDKAppID, w.admin), o.AdminToken
	} else {
		t.path = wire.CommandNamed(w.command).Path() + "?" + query
	}
	return &batchScript{
		o: o, w: w,
		req:     newRequest(t, w.form, w.Batch),
		scatter: newScatter(max(o.Accounts, 1)),
		family:  mix(o.Salt), original: mix(^uint64(0)),
	}
}

func (s *batchScript) request(c int64) []byte {
	first := c * int64(s.w.Batch)
	for i := range s.w.Batch {
		n, edition := s.choose(first + int64(i))
		s.req.set(i, identity(s.family, n))
		s.req.setValues(i, value(edition, n))
	}
	return s.req.bytes
}

// choose returns the number of the account at position i of the whole load, and
// the edition of its values.
func (s *batchScript) choose(i int64) (n int64, edition uint64) {
	if s.w.source == fresh {
		return s.o.Accounts + i, s.original
	}
	if s.w.source == halves && i%2 != 0 {
		return unknown + i, s.original
	}
	at, pass := s.scatter.at(uint64(i))
	if s.w.changed {
		return int64(at), mix(^(s.o.Version + 1 + pass))
	}
	return int64(at), s.original
}

var (
	errorCode    = []byte(`"ErrorCode":`)
	failAccounts = []byte(`"FailAccounts":[`)
	reason       = []byte(`"reason":`) // of an account that the admin API refuses
)

func (s *batchScript) check(c int64, status int, body []byte) (int64, error) {
	if status != 200 || !s.w.NeedsToken() && !succeeded(body) {
		return 0, fmt.Errorf("status %d, response %s", status, sample(body))
	}
	if refused(body) || s.w.NeedsToken() && bytes.Contains(body, reason) {
		return 0, fmt.Errorf("accounts were refused: %s", sample(body))
	}
	if s.o.Verify && s.w.marker != "" && c%verifyEvery == 0 {
		if got, want := bytes.Count(body, []byte(s.w.marker)), s.w.found(c); got != want {
			return 0, fmt.Errorf("the response contains %s %d times, not %d: %s", s.w.marker, got, want, sample(body))
		}
	}
	return int64(s.w.Batch), nil
}

// succeeded reports whether body contains an ErrorCode of 0.
func succeeded(body []byte) bool {
	_, after, ok := bytes.Cut(body, errorCode)
	if !ok {
		return false
	}
	rest := bytes.TrimLeft(after, " \t\r\n")
	return len(rest) >= 2 && rest[0] == '0' && (rest[1] == ',' || rest[1] == '}')
}

// refused reports whether body contains FailAccounts that are not empty.
func refused(body []byte) bool {
	_, rest, ok := bytes.Cut(body, failAccounts)
	return ok && (len(rest) == 0 || rest[0] != ']')
}

// sample returns the beginning of a response for an error message.
func sample(body []byte) string {
	const most = 300
	if len(body) > most {
		return fmt.Sprintf("%q…", body[:most])
	}
	return fmt.Sprintf("%q", body)
}

// CheckedIDs returns a function that returns the ids of a call of the workload [Check] with
// these options. Other programs use it to check the same ids.
func CheckedIDs(o *Options) func(call int64) []string {
	w, _ := Find(Check)
	s := newBatchScript(o, &w, "", "")
	return func(call int64) []string {
		ids := make([]string, w.Batch)
		for i := range ids {
			n, _ := s.choose(call*int64(w.Batch) + int64(i))
			a := Describe(o.Salt, 0, n)
			ids[i] = string(a.ID[:])
		}
		return ids
	}
}
