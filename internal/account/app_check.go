package account

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"rollcall/internal/region"
	"rollcall/usersig"
)

// Limits of the record of an app. They keep one app from exhausting a server.
const (
	MaxKeys        = 20
	MaxKeyIDBytes  = 64
	MaxSecretBytes = 4096 // HMAC text or PEM of a key
	MaxWords       = 10000
	MaxWordBytes   = 100
	MaxSources     = 1000
	MaxIPList      = 1000
	MaxNameBytes   = 200
)

// Validate reports whether a may be stored as a new app. The argument commands lists
// the commands that may have a rate limit. The error has Code [InvalidApp] and says
// what to correct.
func (a *App) Validate(commands []string) error { return refuse(a.Faults(commands), nil) }

func checkIdentity(a *App, f *faults) {
	s := &a.Settings
	if a.ID == 0 {
		f.add("sdkappid", "", "0", "the SDKAppID is 0; give a number from 1 to 4294967295")
	}
	if len(a.Name) > MaxNameBytes {
		f.add(PartName, "", a.Name, fmt.Sprintf("the name is longer than %d bytes; shorten it", MaxNameBytes))
	}
	if !slices.Contains(Editions(), a.Edition) {
		f.add(PartEdition, "", string(a.Edition), fmt.Sprintf("edition %s is unknown; use one of %v", Quote(a.Edition), Editions()))
	}
	if s.Region != "" && !slices.Contains(region.Names(), s.Region) {
		f.add("region", "", s.Region, fmt.Sprintf("region %s is unknown; use one of %v", Quote(s.Region), region.Names()))
	}
}

func checkAdmins(a *App, f *faults) {
	switch n := len(a.Admins); {
	case n == 0:
		f.add(PartAdmin, "", "", "an app keeps at least one admin; add another admin first")
	case n > MaxAdmins:
		f.tooMany(PartAdmin, n, fmt.Sprintf("an app has at most %d admins, not %d; remove others first", MaxAdmins, n))
	}
	seen := map[UserID]bool{}
	for _, id := range a.Admins {
		if err := id.Validate(false); err != nil {
			f.add(PartAdmin, string(id), "", fmt.Sprintf("admin %s: %s", Quote(id), DetailOf(err)))
		}
		if seen[id] {
			f.add(PartAdmin, string(id), "twice", fmt.Sprintf("admin %s is named twice", Quote(id)))
		}
		seen[id] = true
	}
}

func checkKeys(a *App, f *faults) {
	if n := len(a.Keys); n > MaxKeys {
		f.tooMany(PartKey, n, fmt.Sprintf("an app has at most %d keys; retire and remove old ones", MaxKeys))
	}
	seen := map[string]bool{}
	for i, k := range a.Keys {
		if len(k.ID) > MaxKeyIDBytes {
			f.add(PartKey, k.ID, "id", fmt.Sprintf("the id of key %d is longer than %d bytes; shorten it", i+1, MaxKeyIDBytes))
		}
		if seen[k.ID] {
			f.add(PartKey, k.ID, "twice", fmt.Sprintf("key id %s is used twice", Quote(k.ID)))
		}
		if fault := k.fault(); fault != "" {
			f.add(PartKey, k.ID, string(k.Kind)+k.Fingerprint(), fmt.Sprintf("key %s: %s", Quote(k.ID), fault))
		}
		seen[k.ID] = true
	}
}

// Validate reports whether k may be added to an app. k need not have an id yet. The
// error has Code [InvalidApp] and contains neither the id nor any part of the secret.
func (k Key) Validate() error {
	k.ID = cmp.Or(k.ID, "new")
	if fault := k.fault(); fault != "" {
		return &Error{Code: InvalidApp, Detail: "the key: " + fault}
	}
	return nil
}

// fault returns what is wrong with k, or "". It never contains a part of the secret.
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
	case k.Kind == HMACKey && isPublic(k.Secret):
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

func checkCustomTags(a *App, f *faults) {
	const part = "custom_tags"
	tags := a.Settings.CustomTags
	if n := len(tags); n > MaxCustomTags {
		f.tooMany(part, n, fmt.Sprintf("an app has at most %d custom tags, not %d", MaxCustomTags, n))
	}
	seen := map[string]bool{}
	for _, t := range tags {
		if !validCustomKey(t.Key) {
			f.add(part, t.Key, "", fmt.Sprintf("custom tag key %s must be 1 to %d letters", Quote(t.Key), MaxCustomKey))
		}
		if seen[t.Key] {
			f.add(part, t.Key, "twice", fmt.Sprintf("custom tag %s is declared twice", Quote(t.Key)))
		}
		seen[t.Key] = true
	}
}

func validCustomKey(key string) bool {
	for i := range len(key) {
		if c := key[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return 0 < len(key) && len(key) <= MaxCustomKey
}

func checkLimits(a *App, f *faults) {
	s := &a.Settings
	if s.Quota < 0 {
		f.add("quota", "", fmt.Sprint(s.Quota), "the quota is negative; give 0 for the edition's own")
	}
	if s.TombstoneDays > MaxTombstoneDays {
		f.add("tombstone_days", "", fmt.Sprint(s.TombstoneDays), fmt.Sprintf("tombstone_days is %d; give at most %d", s.TombstoneDays, MaxTombstoneDays))
	}
	if s.AppRateLimit < 0 {
		f.add("app_rate_limit", "", fmt.Sprint(s.AppRateLimit), "a rate limit is negative; give 0 for none")
	}
	if s.LockoutAfter < 0 {
		f.add("lockout_after", "", fmt.Sprint(s.LockoutAfter), "a rate limit is negative; give 0 for none")
	}
	if n := len(s.AllowSources); n > MaxSources {
		f.tooMany("allow_sources", n, fmt.Sprintf("an app has at most %d allowed sources", MaxSources))
	}
}

func checkIPList(a *App, f *faults) {
	const part = "ip_list"
	list := a.Settings.IPList
	if n := len(list); n > MaxIPList {
		f.tooMany(part, n, fmt.Sprintf("an app has at most %d addresses in ip_list", MaxIPList))
	}
	for i, text := range list {
		if !isAddress(text) {
			f.add(part, text, "", fmt.Sprintf("entry %d of ip_list is %s; give an address as 203.0.113.7, or a network as 198.51.100.0/24", i+1, Quote(text)))
		}
	}
}

// isAddress reports whether text is an IP address without a zone, or a network.
func isAddress(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	addr, err := netip.ParseAddr(text)
	return err == nil && addr.Zone() == ""
}

func checkModes(a *App, f *faults) {
	s := &a.Settings
	if !slices.Contains([]RateMode{RateEnforce, RateShadow, RateOff}, s.RateMode) {
		f.add("rate_mode", "", string(s.RateMode),
			fmt.Sprintf("rate mode %s is unknown; use %q, %q or leave it empty to enforce", Quote(s.RateMode), RateShadow, RateOff))
	}
	if !slices.Contains([]NotAdminMode{NotAdminLive, NotAdminDocumented, NotAdminGateway}, s.NotAdmin) {
		f.add("not_admin", "", string(s.NotAdmin),
			fmt.Sprintf("not_admin %s is unknown; use %q or %q, or leave it empty for 70403 in im_open_login_svc and 60010 elsewhere",
				Quote(s.NotAdmin), NotAdminDocumented, NotAdminGateway))
	}
}

func checkRateLimits(a *App, commands []string, f *faults) {
	const part = "rate_limits"
	limits := a.Settings.RateLimits
	for _, command := range slices.Sorted(maps.Keys(limits)) {
		if !slices.Contains(commands, command) {
			f.add(part, command, "", fmt.Sprintf("a rate limit is for %s, which is no command; use one of %v", Quote(command), commands))
		} else if n := limits[command]; n < 1 {
			f.add(part, command, fmt.Sprint(n), fmt.Sprintf("the rate limit of %s must be at least 1", command))
		}
	}
}

func checkWords(a *App, f *faults) {
	const part = "words"
	if n := len(a.Settings.Words); n > MaxWords {
		f.tooMany(part, n, fmt.Sprintf("an app has at most %d sensitive words", MaxWords))
	}
	for i, w := range a.Settings.Words {
		if w == "" || len(w) > MaxWordBytes {
			f.add(part, w, "", fmt.Sprintf("sensitive word %d must be 1 to %d bytes", i+1, MaxWordBytes))
		}
	}
}
