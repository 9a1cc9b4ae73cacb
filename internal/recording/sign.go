package recording

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/wire"
	"rollcall/usersig"
)

// validity of the UserSigs of a replay.
const validity = 24 * time.Hour

// query returns the query of e for the target, signed anew.
func (r *replay) query(e *Exchange, recorded wire.Code) (string, error) {
	pairs := make([]string, len(e.Request.Query))
	for i, p := range e.Request.Query {
		value := p[1]
		switch {
		case p[0] == "usersig" && value == signature && e.Request.UserSig != nil:
			var err error
			if value, err = r.sign(e, recorded); err != nil {
				return "", fmt.Errorf("signing for %s: %w", r.Admin, err)
			}
		case p[0] == "random" && value == random:
			value = strconv.FormatUint(uint64(mathrand.Uint32()), 10)
		case p[0] == "sdkappid":
			value = r.appText(value)
		case p[0] == "identifier":
			value = r.id(value)
		}
		if pairs[i] = url.QueryEscape(p[0]) + "=" + url.QueryEscape(value); value == badEscape {
			pairs[i] = url.QueryEscape(p[0]) + "=%zz"
		}
	}
	return strings.Join(pairs, "&"), nil
}

// app returns the SDKAppID that takes the place of a recorded one. The app of the
// recording and that of the target change places, so that different apps stay different.
func (r *replay) app(recorded uint32) uint32 {
	switch recorded {
	case r.survey.app, 0:
		return r.SDKAppID
	case r.SDKAppID:
		return r.survey.app
	}
	return recorded
}

// appText is app for a parameter, which may be no number.
func (r *replay) appText(recorded string) string {
	n, err := strconv.ParseUint(recorded, 10, 32)
	if err != nil || n == 0 || decimal(uint32(n)) != recorded {
		return recorded
	}
	return decimal(r.app(uint32(n)))
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// id returns the id that takes the place of a recorded one.
func (r *replay) id(recorded string) string {
	if r.survey.admins[recorded] {
		return r.Admin
	}
	return recorded
}

// sign returns a UserSig like that of e: expired, of another user or app, of a wrong key,
// or unreadable, if that one was.
func (r *replay) sign(e *Exchange, recorded wire.Code) (string, error) {
	sig := e.Request.UserSig
	if sig.Version == 0 {
		return "unreadable", nil
	}
	claims := usersig.Claims{SDKAppID: sig.SDKAppID, Identifier: r.id(sig.Identifier), IssuedAt: time.Now(), Validity: validity}
	if claims.SDKAppID == 0 {
		text, _ := e.param("sdkappid")
		app, _ := strconv.ParseUint(text, 10, 32) // 0 if it is none
		claims.SDKAppID = uint32(app)
	}
	if claims.SDKAppID != 0 {
		claims.SDKAppID = r.app(claims.SDKAppID)
	}
	if claims.Identifier == "" {
		id, _ := e.param("identifier")
		claims.Identifier = r.id(id)
	}
	expired := sig.Expire < 0 || sig.Age > sig.Expire
	if old := recorded == wire.SigExpired || recorded == wire.SigKicked; expired || old || sig.Age < 0 {
		claims.IssuedAt = claims.IssuedAt.Add(-seconds(sig.Age))
		claims.Validity = seconds(sig.Expire)
	}
	key := r.Key
	if recorded == wire.SigMismatch {
		var err error
		if key, err = wrongKey(sig.Version); err != nil {
			return "", err
		}
	}
	return usersig.Sign(key, claims)
}

// wrongKey returns a key that no app has, for UserSigs of a version.
func wrongKey(version int) (usersig.Key, error) {
	if version != 1 {
		return usersig.HMACKey(rand.Text()), nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return usersig.Key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return usersig.Key{}, err
	}
	return usersig.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// seconds returns a duration of at most a century.
func seconds(n int64) time.Duration {
	const century = 100 * 365 * 24 * 3600
	return time.Duration(max(-century, min(century, n))) * time.Second
}

// A translator is a rewriter that puts the target's app and admin in the place of the
// recorded ones.
type translator struct {
	*replay
	response bool
}

func (r *replay) translator(response bool) translator { return translator{r, response} }

func (translator) name(name string) string        { return name }
func (translator) number(_, number string) string { return number }
func (translator) bare(word string) string        { return word }

func (t translator) text(field, s string) string {
	if !t.response || !slices.Contains(errorFields, field) {
		return t.id(s)
	}
	if here, there := decimal(t.SDKAppID), decimal(t.survey.app); t.survey.app != 0 {
		s = strings.NewReplacer(there, here, here, there).Replace(s)
	}
	for id := range t.survey.admins {
		if id != t.Admin && len(id) >= minCut {
			s = strings.ReplaceAll(s, id, t.Admin)
		}
	}
	return s
}
