package account

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/usersig"
)

// Bounds of an app's settings, so that one app cannot exhaust a server.
const (
	MaxKeys        = 20
	MaxKeyIDBytes  = 64
	MaxSecretBytes = 4096 // of a key: HMAC text, or PEM
	MaxWords       = 10000
	MaxWordBytes   = 100
	MaxSources     = 1000
	MaxNameBytes   = 200
)

// Validate reports whether a may be stored. The error has Code [InvalidApp]
// and says what to correct.
func (a *App) Validate() error {
	for _, check := range []func(*App) string{
		checkIdentity, checkAdmins, checkKeys, checkCustomTags, checkLimits, checkRateLimits, checkWords,
	} {
		if fault := check(a); fault != "" {
			return &Error{Code: InvalidApp, Detail: fault}
		}
	}
	return nil
}

func checkIdentity(a *App) string {
	switch {
	case a.ID == 0:
		return "the SDKAppID is 0; give a number from 1 to 4294967295"
	case len(a.Name) > MaxNameBytes:
		return fmt.Sprintf("the name is longer than %d bytes; shorten it", MaxNameBytes)
	case !slices.Contains(Editions(), a.Edition):
		return fmt.Sprintf("edition %s is unknown; use one of %v", Quote(a.Edition), Editions())
	case a.Settings.Region != "" && !slices.Contains(Regions(), a.Settings.Region):
		return fmt.Sprintf("region %s is unknown; use one of %v", Quote(a.Settings.Region), Regions())
	case a.Settings.AnySignature && !a.Test:
		return "any_signature is only for apps that were created as test apps"
	}
	return ""
}

func checkAdmins(a *App) string {
	switch n := len(a.Admins); {
	case n == 0:
		return "an app keeps at least one admin; add another admin first"
	case n > MaxAdmins:
		return fmt.Sprintf("an app has at most %d admins, not %d; remove others first", MaxAdmins, n)
	}
	for i, id := range a.Admins {
		if err := id.Validate(false); err != nil {
			return fmt.Sprintf("admin %s: %s", Quote(id), DetailOf(err))
		}
		if slices.Contains(a.Admins[:i], id) {
			return fmt.Sprintf("admin %q is named twice", id)
		}
	}
	return ""
}

func checkKeys(a *App) string {
	if len(a.Keys) > MaxKeys {
		return fmt.Sprintf("an app has at most %d keys; retire and remove old ones", MaxKeys)
	}
	for i, k := range a.Keys {
		if len(k.ID) > MaxKeyIDBytes {
			return fmt.Sprintf("the id of key %d is longer than %d bytes; shorten it", i+1, MaxKeyIDBytes)
		}
		if slices.ContainsFunc(a.Keys[:i], func(other Key) bool { return other.ID == k.ID }) {
			return fmt.Sprintf("key id %q is used twice", k.ID)
		}
		if fault := k.fault(); fault != "" {
			return fmt.Sprintf("key %q: %s", k.ID, fault)
		}
	}
	return ""
}

// Validate reports whether k, which may have no id yet, may be added to an app. The
// error has Code [InvalidApp]; it names no id and holds nothing of the secret.
func (k Key) Validate() error {
	k.ID = cmp.Or(k.ID, "new")
	if fault := k.fault(); fault != "" {
		return &Error{Code: InvalidApp, Detail: "the key: " + fault}
	}
	return nil
}

// fault says what is wrong with k, never what its secret is.
func (k Key) fault() string {
	switch {
	case k.ID == "":
		return "it has no id"
	case k.Secret == "":
		return "it is empty"
	case len(k.Secret) > MaxSecretBytes:
		return fmt.Sprintf("it is longer than a key may be; give one of at most %d bytes", MaxSecretBytes)
	case k.Kind == HMACKey && strings.ContainsAny(k.Secret, "\r\n"):
		return "it is not one line of text; a key in PEM is an ECDSA key"
	case k.Kind == HMACKey && k.Retired.IsZero() && isPublic(k.Secret): // one of before must be retired
		return "it is a public key, which anybody may know and sign with as a secret; give it as an ECDSA key, in PEM"
	case k.Kind == HMACKey:
		return ""
	case k.Kind != ECDSAKey:
		return fmt.Sprintf("its kind %s is unknown; use %q or %q", Quote(k.Kind), HMACKey, ECDSAKey)
	}
	if _, err := usersig.ParsePublicKey([]byte(k.Secret)); err != nil {
		return err.Error()
	}
	return ""
}

func checkCustomTags(a *App) string {
	tags := a.Settings.CustomTags
	if len(tags) > MaxCustomTags {
		return fmt.Sprintf("an app has at most %d custom tags, not %d", MaxCustomTags, len(tags))
	}
	for i, t := range tags {
		if !validCustomKey(t.Key) {
			return fmt.Sprintf("custom tag key %s must be 1 to %d letters", Quote(t.Key), MaxCustomKey)
		}
		if slices.ContainsFunc(tags[:i], func(other CustomTag) bool { return other.Key == t.Key }) {
			return fmt.Sprintf("custom tag %q is declared twice", t.Key)
		}
	}
	return ""
}

func validCustomKey(key string) bool {
	for i := range len(key) {
		if c := key[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return 0 < len(key) && len(key) <= MaxCustomKey
}

func checkLimits(a *App) string {
	s := a.Settings
	switch {
	case s.Quota < 0:
		return "the quota is negative; give 0 for the edition's own"
	case s.TombstoneDays > MaxTombstoneDays:
		return fmt.Sprintf("tombstone_days is %d; give at most %d", s.TombstoneDays, MaxTombstoneDays)
	case !slices.Contains([]RateMode{RateEnforce, RateShadow, RateOff}, s.RateMode):
		return fmt.Sprintf("rate mode %s is unknown; use %q, %q or leave it empty to enforce", Quote(s.RateMode), RateShadow, RateOff)
	case !slices.Contains([]NotAdminMode{NotAdminLive, NotAdminDocumented, NotAdminGateway}, s.NotAdmin):
		return fmt.Sprintf("not_admin %s is unknown; use %q or %q, or leave it empty for 70403 in im_open_login_svc and 60010 elsewhere",
			Quote(s.NotAdmin), NotAdminDocumented, NotAdminGateway)
	case s.AppRateLimit < 0 || s.LockoutAfter < 0:
		return "a rate limit is negative; give 0 for none"
	case len(s.AllowSources) > MaxSources:
		return fmt.Sprintf("an app has at most %d allowed sources", MaxSources)
	}
	return ""
}

func checkRateLimits(a *App) string {
	limits := a.Settings.RateLimits
	for _, command := range slices.Sorted(maps.Keys(limits)) {
		switch {
		case !slices.Contains(Commands(), command):
			return fmt.Sprintf("a rate limit is for %s, which is no command; use one of %v", Quote(command), Commands())
		case limits[command] < 1:
			return fmt.Sprintf("the rate limit of %s must be at least 1", command)
		}
	}
	return ""
}

func checkWords(a *App) string {
	if len(a.Settings.Words) > MaxWords {
		return fmt.Sprintf("an app has at most %d sensitive words", MaxWords)
	}
	for i, w := range a.Settings.Words {
		if w == "" || len(w) > MaxWordBytes {
			return fmt.Sprintf("sensitive word %d must be 1 to %d bytes", i+1, MaxWordBytes)
		}
	}
	return ""
}
