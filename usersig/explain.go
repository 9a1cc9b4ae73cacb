package usersig

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// An Explanation tells step by step what is right and wrong with a UserSig. It
// is meant to be printed as a table or as JSON; the clauses are for people and
// may change.
type Explanation struct {
	// Code is what a server answers for the first wrong step: a [Reason.Code],
	// 70002 for an empty text, 0 if no step is wrong. A step that was not
	// checked counts as right.
	Code int `json:"code"`
	// Sig is what the UserSig says, nil if it cannot be read.
	Sig *Sig `json:"sig,omitempty"`
	// IssuedAt and ExpiresAt are the times of Sig in UTC; zero if it cannot be
	// read, or if it says a time outside the years 1 to 9999.
	IssuedAt  time.Time `json:"issued_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Steps are always the same eight, in the order in which a server goes:
	// version 1 judges the signature before the expiry, version 2 after it.
	Steps []Step `json:"steps"`
}

// A Step is one thing that a verifier looks at: "base64", "zlib", "json",
// "app", "user", "expiry", "signature" or "kick".
type Step struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Why     string `json:"why"`               // one clause
	Warning string `json:"warning,omitempty"` // what is odd, whatever the status; one clause, or ""
}

// A Status is the outcome of a [Step].
type Status string

// Statuses.
const (
	OK         Status = "ok"
	Wrong      Status = "wrong"
	NotChecked Status = "not_checked"
)

// Explain goes through the steps of [Verify] without stopping at the first
// fault. A zero SDKAppID or an empty Identifier in r is not compared. The
// signature is not checked if r.Keys has no key for the version of the UserSig,
// although a server with these keys would refuse it.
//
// A text that cannot be read is mended in usual ways, and a wrong signature is
// compared with those that usual mistakes make, with the last four keys of r, or
// with fewer if they are on slow curves; what fits is named. [ExplainCost] tells
// how long that takes.
//
// The step "kick" is not checked, since only the server knows of kicks: see
// [Explanation.CheckKick].
func Explain(text string, r Request) Explanation {
	e := Explanation{Steps: make([]Step, 0, len(stepNames))}
	s := e.read(text)
	if s == nil {
		e.explainText(text)
		e.skipRest("it cannot be read")
		return e
	}
	e.Sig, e.IssuedAt, e.ExpiresAt = s, calendar(s.IssuedAt), calendar(s.ExpiresAt())
	e.explainOwner(s, r)
	if s.Version == 1 {
		e.explainSignature(s, r.Keys)
		e.explainTime(s, r.now())
	} else {
		e.explainTime(s, r.now())
		e.explainSignature(s, r.Keys)
	}
	e.add("kick", NotChecked, "only the server knows when the account was kicked")
	return e
}

// stepNames are the steps in the order of version 2.
var stepNames = []string{"base64", "zlib", "json", "app", "user", "expiry", "signature", "kick"}

// add adds a step.
func (e *Explanation) add(name string, st Status, why string) {
	e.Steps = append(e.Steps, Step{Name: name, Status: st, Why: why})
}

// skipRest adds the steps that are left, unchecked.
func (e *Explanation) skipRest(why string) {
	for _, name := range stepNames[len(e.Steps):] {
		e.add(name, NotChecked, why)
	}
}

// judge adds a step and reports whether it is right. Each err is an [*Error].
func (e *Explanation) judge(name string, err error, okWhy string) bool {
	if err == nil {
		e.add(name, OK, okWhy)
		return true
	}
	if fault, ok := errors.AsType[*Error](err); ok {
		e.add(name, Wrong, fault.Detail)
		if e.Code == 0 {
			e.Code = fault.Reason.Code()
		}
	}
	return false
}

// read adds the steps of [Parse].
func (e *Explanation) read(text string) *Sig {
	if text == "" {
		e.Code = codeEmpty
	}
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	packed, err := d.unwrap(text)
	if !e.judge("base64", err, fmt.Sprintf("%d characters", len(text))) {
		return nil
	}
	e.Steps[0].Warning = plainWarning(text)
	payload, err := d.inflate(packed)
	if err != nil {
		err = notZlib(text, err)
	}
	if !e.judge("zlib", err, fmt.Sprintf("%d bytes inflate to %d", len(packed), len(payload))) {
		return nil
	}
	s, err := d.parse(payload)
	if err != nil {
		e.judge("json", err, "")
		return nil
	}
	e.add("json", OK, "a UserSig of "+s.kind())
	return s
}

// explainText looks for what happened to a text that cannot be read on its way.
func (e *Explanation) explainText(text string) {
	last := &e.Steps[len(e.Steps)-1]
	last.Why = whyUnreadable(text, last.Why)
}

func (s *Sig) kind() string {
	if s.Version == 1 {
		return "version 1 (ECDSA)"
	}
	return "version 2 (HMAC-SHA256)"
}

func (e *Explanation) explainOwner(s *Sig, r Request) {
	if r.SDKAppID == 0 {
		e.add("app", NotChecked, fmt.Sprintf("made for SDKAppID %d; none was given to compare", s.SDKAppID))
	} else {
		e.judge("app", s.checkApp(r.SDKAppID), fmt.Sprintf("made for SDKAppID %d", s.SDKAppID))
	}
	if r.Identifier == "" {
		e.add("user", NotChecked, fmt.Sprintf("made for the user %q; none was given to compare", s.Identifier))
	} else {
		e.judge("user", s.checkUser(r.Identifier), fmt.Sprintf("made for the user %q", s.Identifier))
	}
}

func (e *Explanation) explainSignature(s *Sig, keys []Key) {
	keys = fitting(s, keys)
	if len(keys) == 0 {
		if why := whyUnsigned(s, nil, ""); why != "" { // which no key would change
			e.judge("signature", refuse(BadSignature, "%s", why), "")
			return
		}
		want := "secret key"
		if s.Version == 1 {
			want = "public key"
		}
		e.add("signature", NotChecked, fmt.Sprintf("%s, and no %s was given", s.kind(), want))
		return
	}
	err := s.checkSignature(keys)
	if fault, ok := errors.AsType[*Error](err); ok {
		fault.Detail = whyUnsigned(s, keys, fault.Detail)
	}
	e.judge("signature", err, "signed with a key that was given")
}

// fitting returns the keys for the version of s.
func fitting(s *Sig, keys []Key) []Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.version() != s.Version })
}

func (e *Explanation) explainTime(s *Sig, now time.Time) {
	e.judge("expiry", s.checkTime(now), "valid until "+clock(s.ExpiresAt()))
	e.Steps[len(e.Steps)-1].Warning = s.timeWarning(now)
}

// CheckKick judges the step "kick", which [Explain] does not check, for a user
// who was kicked at a Unix second, or for one who never was: see [Sig.CheckKick].
func (e *Explanation) CheckKick(kicked int64, now time.Time) {
	if e.Sig == nil {
		return
	}
	e.Steps = e.Steps[:len(e.Steps)-1]
	e.judge("kick", e.Sig.CheckKick(kicked, now), "not kicked since it was issued")
}

// Fault returns the first wrong step, to which Code belongs, and whether there is
// one.
func (e *Explanation) Fault() (Step, bool) {
	i := slices.IndexFunc(e.Steps, func(s Step) bool { return s.Status == Wrong })
	if i < 0 {
		return Step{}, false
	}
	return e.Steps[i], true
}
