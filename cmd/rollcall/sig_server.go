package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"rollcall/client"
	"rollcall/usersig"
)

// askTimeout limits the calls to the server of the context. It is short, because most of
// an explanation needs no server.
const askTimeout = 2 * time.Second

// signatureStep is the step that judges the key.
const signatureStep = "signature"

// nameKey adds the source of the key to the step of a correct signature.
func (c *judged) nameKey(e *usersig.Explanation) {
	if st := stepOf(e, signatureStep); st.Status == usersig.OK {
		st.Why = "signed with the key of " + c.key.from
	}
}

// askServer asks the server of the environment or of the context whether the key is active
// and whether the account was kicked, and judges both steps again. If the server does not
// say, the step of the kick says why.
func (c *judged) askServer(ctx context.Context, env *environment, e *usersig.Explanation) {
	kick := stepOf(e, kickStep)
	conn := connection{
		Context: c.Context, URL: os.Getenv(urlVariable), CA: os.Getenv(caVariable),
		Timeout: askTimeout,
	}
	api, err := conn.admin(env)
	if err != nil {
		kick.Why += ", and none can be asked: give --context with the context file of one"
		return
	}
	now := c.At.Time
	if now.IsZero() {
		now = time.Now()
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	app, err := api.App(ctx, e.Sig.SDKAppID)
	if err != nil {
		kick.Why += ", and " + noAnswer(conn.URL, fmt.Sprintf("app %d", e.Sig.SDKAppID), err)
		return
	}
	c.checkKey(app, e, now)
	a, err := api.Account(ctx, e.Sig.SDKAppID, e.Sig.Identifier)
	if err != nil {
		kick.Why += ", and " + noAnswer(conn.URL, "account "+e.Sig.Identifier, err)
		return
	}
	var kicked int64
	if !a.KickedAt.IsZero() {
		kicked = a.KickedAt.Unix()
	}
	e.CheckKick(kicked, now)
}

// noAnswer returns the reason why a server did not return a thing.
func noAnswer(url, thing string, err error) string {
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusNotFound {
		return fmt.Sprintf("%s has no %s", url, thing)
	}
	return fmt.Sprintf("%s does not say: %v", url, err)
}

// checkKey looks for the key of the signature among the keys of the app. The key may have
// been retired, or the context file may be older than the keys of the app.
func (c *judged) checkKey(app *client.App, e *usersig.Explanation, now time.Time) {
	st := stepOf(e, signatureStep)
	if st.Status != usersig.OK || c.key.fingerprint == "" || app.Settings.AnySignature {
		return
	}
	var known *client.Key
	for _, k := range app.Keys {
		if k.Fingerprint == c.key.fingerprint && (known == nil || active(k, now)) {
			known = &k
		}
	}
	switch {
	case known == nil:
		st.Status = usersig.Wrong
		st.Why += fmt.Sprintf(", which is no key of app %d on the server; \"rollcall app key list\" shows those by their fingerprints, that of this one is %s", app.SDKAppID, c.key.fingerprint)
	case !active(*known, now):
		st.Status = usersig.Wrong
		st.Why += fmt.Sprintf(", which is key %s of the app and was retired at %s; sign with an active key", known.ID, moment(known.RetiredAt))
	default:
		st.Why += ", which is key " + known.ID + " of the app"
		return
	}
	if i := slices.IndexFunc(e.Steps, func(s usersig.Step) bool { return s.Status == usersig.Wrong }); e.Steps[i].Name == signatureStep {
		e.Code = usersig.BadSignature.Code()
	}
}

// active reports whether k verifies at now.
func active(k client.Key, now time.Time) bool { return k.RetiredAt.IsZero() || now.Before(k.RetiredAt) }

// stepOf returns the step of e with the given name. e has every step.
func stepOf(e *usersig.Explanation, name string) *usersig.Step {
	i := slices.IndexFunc(e.Steps, func(st usersig.Step) bool { return st.Name == name })
	return &e.Steps[i]
}
