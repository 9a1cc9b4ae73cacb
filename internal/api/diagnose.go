package api

import (
	"fmt"
	"sync"
	"time"

	"rollcall/internal/wire"
	"rollcall/usersig"
)

// diagnosesPerSecond bounds what strangers can make a server spend on saying why
// their UserSigs are refused: one takes a millisecond at most for version 2, and
// a few for version 1. Over it, the header has what was known anyway.
const diagnosesPerSecond = 20

// otherApp is the vendor's ErrorInfo of 70014: the app of the URL, then that of
// the UserSig.
const otherApp = "The requested SDKAppID(%d) does not match the Usersig(%d). You can run a self-checking with the assistant tool on the console."

// refusal returns the answer to a UserSig that e refuses.
func (s *Server) refusal(c *call, text string, e *usersig.Error) error {
	w := &wire.Error{Code: wire.Code(e.Reason.Code()), Detail: e.Detail}
	switch e.Reason {
	case usersig.OtherApp:
		if sig, err := usersig.Parse(text); err == nil {
			w.Text = fmt.Sprintf(otherApp, c.app.ID, sig.SDKAppID)
		}
	case usersig.Malformed, usersig.BadSignature:
		if s.diagnoses.take(s.now()) {
			w.Detail = s.diagnosis(c, text, e)
		}
	}
	return w
}

// diagnosis returns what [usersig.Explain] says about the fault e. It tells
// nothing of a key to those who do not have it: a mistake is named only if the
// signature was made with the key.
func (s *Server) diagnosis(c *call, text string, e *usersig.Error) string {
	now := s.dir.Now(c.app.ID)
	keys, _ := s.keys.Of(c.app).active(now)
	explanation := usersig.Explain(text, usersig.Request{
		SDKAppID: uint32(c.app.ID), Identifier: string(c.admin), Keys: keys, Now: now,
	})
	if step, ok := explanation.Fault(); ok && explanation.Code == e.Reason.Code() {
		return step.Why
	}
	return e.Detail
}

// A budget allows a number of things in each second of the clock.
type budget struct {
	mu     sync.Mutex
	limit  int
	second int64
	taken  int // in that second
}

// take reports whether one more is allowed.
func (b *budget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sec := now.Unix(); sec != b.second {
		b.second, b.taken = sec, 0
	}
	if b.taken == b.limit {
		return false
	}
	b.taken++
	return true
}
