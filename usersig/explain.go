package usersig

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// An Explanation says step by step what is right and wrong with a UserSig.
// Print it as a table or as JSON. Its clauses are for people and may change.
type Explanation struct {
	// Code is the ErrorCode that a server sends for the first wrong step: a
	// [Reason.Code], 70002 for an empty text, or 0 if no step is wrong. A step
	// that was not checked counts as right.
	Code int `json:"code"`
	// Sig is the content of the UserSig, or nil if it cannot be read.
	Sig *Sig `json:"sig,omitempty"`
	// IssuedAt and ExpiresAt are the times of Sig in UTC. They are zero if the
	// UserSig cannot be read, or if the time is outside the years 1 to 9999.
	IssuedAt  time.Time `json:"issued_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Steps are always the same eight, in the order in which a server checks
	// them. Version 1 checks the signature before the expiry, version 2 after
	// it.
	Steps []Step `json:"steps"`
}

// A Step is one check of a verifier: "base64", "zlib", "json", "app", "user",
// "expiry", "signature" or "kick".
type Step struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Why     string `json:"why"`               // one clause
	Warning string `json:"warning,omitempty"` // what looks wrong, whatever the status; one clause, or ""
}

// A Status is the outcome of a [Step].
type Status string

// Statuses.
const (
	OK         Status = "ok"
	Wrong      Status = "wrong"
	NotChecked Status = "not_checked"
)

// Explain makes the checks of [Verify] without stopping at the first fault. It
// does not compare a zero SDKAppID or an empty Identifier of r. It does not
// check the signature if r.Keys contains no key for the version of the UserSig,
// although a server with these keys would refuse it.
//
// If text cannot be read, Explain tries to repair it in common ways. If the
// signature is wrong, Explain compares it with the signatures of common
// mistakes, for the last four keys of r, or for fewer if they are on slow
// curves. It names the repair or the mistake that fits. [ExplainCost] returns
// how long that takes.
//
// The step "kick" is not checked, because only the server knows of kicks. See
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

// skipRest adds the remaining steps as not checked.
func (e *Explanation) skipRest(why string) {
	for _, name := range stepNames[len(e.Steps):] {
		e.add(name, NotChecked, why)
	}
}

// check adds a step with the result err and reports whether it is right. Each
// err must be an [*Error].
func (e *Explanation) check(name string, err error, okWhy string) bool {
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
	if !e.check("base64", err, fmt.Sprintf("%d characters", len(text))) {
		return nil
	}
	e.Steps[0].Warning = plainWarning(text)
	payload, err := d.inflate(packed)
	if err != nil {
		err = notZlib(text, err)
	}
	if !e.check("zlib", err, fmt.Sprintf("%d bytes inflate to %d", len(packed), len(payload))) {
		return nil
	}
	s, err := d.parse(payload)
	if err != nil {
		e.check("json", err, "")
		return nil
	}
	e.add("json", OK, "a UserSig of "+s.kind())
	return s
}

// explainText looks for a repair of a text that cannot be read.
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
		e.check("app", s.checkApp(r.SDKAppID), fmt.Sprintf("made for SDKAppID %d", s.SDKAppID))
	}
	if r.Identifier == "" {
		e.add("user", NotChecked, fmt.Sprintf("made for the user %q; none was given to compare", s.Identifier))
	} else {
		e.check("user", s.checkUser(r.Identifier), fmt.Sprintf("made for the user %q", s.Identifier))
	}
}

func (e *Explanation) explainSignature(s *Sig, keys []Key) {
	keys = fitting(s, keys)
	if len(keys) == 0 {
		if why := whyUnsigned(s, nil, ""); why != "" { // wrong with any key
			e.check("signature", refuse(BadSignature, "%s", why), "")
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
	e.check("signature", err, "signed with a key that was given")
}

// fitting returns the keys for the version of s.
func fitting(s *Sig, keys []Key) []Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.version() != s.Version })
}

func (e *Explanation) explainTime(s *Sig, now time.Time) {
	e.check("expiry", s.checkTime(now), "valid until "+clock(s.ExpiresAt()))
	e.Steps[len(e.Steps)-1].Warning = s.timeWarning(now)
}

// CheckKick checks the step "kick", which [Explain] does not check. See
// [Sig.CheckKick] for its arguments.
func (e *Explanation) CheckKick(kicked int64, now time.Time) {
	if e.Sig == nil {
		return
	}
	e.Steps = e.Steps[:len(e.Steps)-1]
	e.check("kick", e.Sig.CheckKick(kicked, now), "not kicked since it was issued")
}

// Fault returns the first wrong step, whose code is e.Code, and whether there
// is one.
func (e *Explanation) Fault() (Step, bool) {
	i := slices.IndexFunc(e.Steps, func(s Step) bool { return s.Status == Wrong })
	if i < 0 {
		return Step{}, false
	}
	return e.Steps[i], true
}
