package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/usersig"
)

// signatureStep is the step of an explanation that judges the key.
const signatureStep = "signature"

// explainUserSig explains a UserSig against the keys and the clock of an app. It changes
// nothing and counts no bad UserSig.
func (s *Server) explainUserSig(ctx context.Context, c *call, req adminapi.SigToExplain) (adminapi.ExplainedSig, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.ExplainedSig{}, err
	}
	if req.Identifier != "" {
		if err := account.UserID(req.Identifier).Validate(false); err != nil {
			return adminapi.ExplainedSig{}, err
		}
	}
	app, err := s.dir.App(ctx, id)
	if err != nil {
		return adminapi.ExplainedSig{}, err
	}
	x := &explaining{app: app, text: req.UserSig, identifier: req.Identifier, now: s.dir.Now(id)}
	x.explain(app.Settings.AnySignature && s.dir.MayFalsify(app))
	if x.Sig != nil {
		kicked, err := s.dir.Watermark(ctx, app, account.UserID(x.Sig.Identifier))
		if err != nil {
			return adminapi.ExplainedSig{}, err
		}
		x.CheckKick(kicked, x.now)
	}
	return x.show(s.o.SigAnswer), nil
}

// An explaining is a UserSig that is being explained.
type explaining struct {
	usersig.Explanation
	app              *account.App
	text, identifier string
	now              time.Time
	key              string // ID of the key that made the signature
}

// explain makes all checks but that of the kick. anySignature says that the app does not
// check signatures.
func (x *explaining) explain(anySignature bool) {
	r := usersig.Request{SDKAppID: uint32(x.app.ID), Identifier: x.identifier, Now: x.now}
	for _, k := range x.app.ActiveKeys(x.now) {
		if v, err := k.Verifier(); err == nil { // a stored key is valid
			r.Keys = append(r.Keys, v)
		}
	}
	x.Explanation = usersig.Explain(x.text, r)
	if x.Sig == nil {
		return
	}
	x.key = x.signer()
	step := x.step(signatureStep)
	switch {
	case anySignature:
		step.Status, step.Why = usersig.NotChecked, "the app accepts any signature, because of its setting any_signature"
		x.Code = codeOf(x.Sig.Check(r.SDKAppID, cmp.Or(x.identifier, x.Sig.Identifier), x.now))
	case step.Status == usersig.NotChecked:
		step.Status, step.Why = usersig.Wrong, fmt.Sprintf("the app has no active key for version %d; add one, or sign version %d", x.Sig.Version, 3-x.Sig.Version)
		x.accuse()
	case step.Status == usersig.OK && x.key != "":
		step.Why = "signed with key " + x.key + " of the app"
	}
	if step.Status == usersig.Wrong && x.key != "" {
		step.Why = "signed with key " + x.key + " of the app, which was retired; sign with an active key"
	}
}

// accuse sets the code of a wrong signature, unless an earlier step is wrong.
func (x *explaining) accuse() {
	if first, _ := x.Fault(); first.Name == signatureStep {
		x.Code = usersig.BadSignature.Code()
	}
}

// signer returns the ID of the key that made the signature, the newest of several. The key
// need not be active.
func (x *explaining) signer() string {
	r := usersig.Request{SDKAppID: x.Sig.SDKAppID, Identifier: x.Sig.Identifier, Now: time.Unix(x.Sig.IssuedAt, 0)}
	for _, k := range slices.Backward(x.app.Keys) {
		v, err := k.Verifier()
		if err != nil {
			continue
		}
		r.Keys = []usersig.Key{v}
		if _, err := usersig.Verify(x.text, r); err == nil {
			return k.ID
		}
	}
	return ""
}

// codeOf returns the code of an error of package usersig, or 0.
func codeOf(err error) int {
	if e, ok := errors.AsType[*usersig.Error](err); ok {
		return e.Reason.Code()
	}
	return 0
}

// step returns the step with a name. An explanation has every step.
func (x *explaining) step(name string) *usersig.Step {
	i := slices.IndexFunc(x.Steps, func(st usersig.Step) bool { return st.Name == name })
	return &x.Steps[i]
}

// show returns the explanation as the API shows it. answer is that of [Options].
func (x *explaining) show(answer func(*account.App, string, int, string) (int, string, string)) adminapi.ExplainedSig {
	shown := adminapi.ExplainedSig{IssuedAt: x.IssuedAt, ExpiresAt: x.ExpiresAt, KeyID: x.key}
	user := x.identifier
	if x.Sig != nil {
		shown.Version, shown.SDKAppID, shown.Identifier = x.Sig.Version, x.Sig.SDKAppID, x.Sig.Identifier
		user = cmp.Or(user, x.Sig.Identifier)
	}
	shown.Admin = x.app.IsAdmin(account.UserID(user))
	for _, st := range x.Steps {
		shown.Steps = append(shown.Steps, adminapi.SigStep{Name: st.Name, Status: string(st.Status), Why: st.Why, Warning: st.Warning})
	}
	first, _ := x.Fault()
	shown.Code, shown.Info, shown.Advice = answer(x.app, x.text, x.Code, first.Why)
	return shown
}
