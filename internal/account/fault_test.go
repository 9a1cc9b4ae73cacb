package account_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall/internal/account"
)

// publicTexts are public keys that the tests pass as secrets.
var publicTexts = [2]string{"ssh-rsa PUBLIC KEY", "another PUBLIC KEY"}

// A breach breaks one rule of an app's record in one of several ways.
type breach struct {
	name string
	do   func(a *account.App, way int)
}

// breaches contains a breach of every rule.
var breaches = []breach{
	{"sdkappid", func(a *account.App, way int) { a.ID = 0; a.Name += strings.Repeat("x", 300*way) }},
	{"name", func(a *account.App, way int) { a.Name = strings.Repeat("n", 300+way) }},
	{"edition", func(a *account.App, way int) { a.Edition = account.Edition(fmt.Sprint("gold", way)) }},
	{"region", func(a *account.App, way int) { a.Settings.Region = fmt.Sprint("mars", way) }},
	{"admins", func(a *account.App, way int) {
		for i := range account.MaxAdmins + way {
			a.Admins = append(a.Admins, account.UserID(fmt.Sprint("admin", i)))
		}
	}},
	{"an admin's id", func(a *account.App, way int) { a.Admins = append(a.Admins, account.UserID(fmt.Sprint("@", way))) }},
	{"an admin twice", func(a *account.App, way int) { a.Admins = append(a.Admins, a.Admins[:1+way]...) }},
	{"a public key as secret", key(func(way int) account.Key {
		return account.Key{ID: "public", Kind: account.HMACKey, Secret: publicTexts[way]}
	})},
	{"no public key", key(func(way int) account.Key {
		return account.Key{ID: "pem", Kind: account.ECDSAKey, Secret: fmt.Sprint("none", way)}
	})},
	{"a kind", key(func(way int) account.Key {
		return account.Key{ID: "kind", Kind: account.KeyKind(fmt.Sprint("rsa", way)), Secret: "s"}
	})},
	{"an id of a key", key(func(way int) account.Key {
		return account.Key{ID: strings.Repeat("i", 65+way), Kind: account.HMACKey, Secret: "s"}
	})},
	{"an id of a key twice", func(a *account.App, way int) {
		for range 1 + way {
			a.Keys = append(a.Keys, account.Key{ID: "1", Kind: account.HMACKey, Secret: "another"})
		}
	}},
	{"keys", func(a *account.App, way int) {
		for i := range account.MaxKeys + way {
			a.Keys = append(a.Keys, account.Key{ID: fmt.Sprint("of many ", i), Kind: account.HMACKey, Secret: "s"})
		}
	}},
	{"custom tags", func(a *account.App, way int) {
		for i := range account.MaxCustomTags + 1 + way {
			a.Settings.CustomTags = append(a.Settings.CustomTags, account.CustomTag{Key: strings.Repeat(string(rune('a'+i)), 3)})
		}
	}},
	{"a custom tag", func(a *account.App, way int) {
		a.Settings.CustomTags = append(a.Settings.CustomTags, account.CustomTag{Key: fmt.Sprint("k", way)})
	}},
	{"a custom tag twice", func(a *account.App, way int) {
		a.Settings.CustomTags = append(a.Settings.CustomTags, slices.Repeat([]account.CustomTag{{Key: "twice"}}, 2+way)...)
	}},
	{"quota", func(a *account.App, way int) { a.Settings.Quota = int64(-1 - way) }},
	{"tombstone_days", func(a *account.App, way int) { a.Settings.TombstoneDays = 1<<40 + way }},
	{"rate_mode", func(a *account.App, way int) { a.Settings.RateMode = account.RateMode(fmt.Sprint("mode", way)) }},
	{"not_admin", func(a *account.App, way int) { a.Settings.NotAdmin = account.NotAdminMode(fmt.Sprint("mode", way)) }},
	{"login_mode", func(a *account.App, way int) { a.Settings.LoginMode = account.LoginMode(fmt.Sprint("mode", way)) }},
	{"kick_event", func(a *account.App, way int) { a.Settings.KickEvent = account.KickEvent(fmt.Sprint("event", way)) }},
	{"kicked_reconnect", func(a *account.App, way int) {
		a.Settings.KickedReconnect = account.KickedReconnect(fmt.Sprint("way", way))
	}},
	{"devices_per_platform", func(a *account.App, way int) { a.Settings.DevicesPerPlatform = 4 + way }},
	{"web_instances", func(a *account.App, way int) { a.Settings.WebInstances = 11 + way }},
	{"a push platform", func(a *account.App, way int) {
		a.Settings.PushPlatforms = append(a.Settings.PushPlatforms, account.Platform(fmt.Sprint("p", way)))
	}},
	{"a push platform twice", func(a *account.App, way int) {
		a.Settings.PushPlatforms = append(a.Settings.PushPlatforms, slices.Repeat([]account.Platform{account.Mac}, 2+way)...)
	}},
	{"a link timeout's platform", func(a *account.App, way int) { timeout(a, account.Platform(fmt.Sprint("p", way)), 1) }},
	{"a link timeout", func(a *account.App, way int) { timeout(a, account.Web, -way) }},
	{"app_rate_limit", func(a *account.App, way int) { a.Settings.AppRateLimit = -1 - way }},
	{"lockout_after", func(a *account.App, way int) { a.Settings.LockoutAfter = -1 - way }},
	{"allow_sources", func(a *account.App, way int) {
		a.Settings.AllowSources = make([]netip.Prefix, account.MaxSources+1+way)
	}},
	{"ip_list", func(a *account.App, way int) {
		a.Settings.IPList = append(a.Settings.IPList, slices.Repeat([]string{"192.0.2.1"}, account.MaxIPList+1+way)...)
	}},
	{"an address of ip_list", func(a *account.App, way int) {
		a.Settings.IPList = append(a.Settings.IPList, fmt.Sprint("192.0.2.256/", way))
	}},
	{"figures_zone", func(a *account.App, way int) { a.Settings.FiguresZone = fmt.Sprint("Mars/Olympus", way) }},
	{"a rate limit's command", func(a *account.App, way int) { limit(a, fmt.Sprint("command", way), 1) }},
	{"a rate limit", func(a *account.App, way int) { limit(a, "kick", -way) }},
	{"words", func(a *account.App, way int) {
		a.Settings.Words = append(a.Settings.Words, slices.Repeat([]string{"w"}, account.MaxWords+1+way)...)
	}},
	{"a word", func(a *account.App, way int) {
		a.Settings.Words = append(a.Settings.Words, strings.Repeat("w", 200*way))
	}},
	{"cors", func(a *account.App, way int) {
		a.Settings.CORS = true
		a.Name += strings.Repeat("n", 300*way) // this rule can be broken in one way only
	}},
	{"any_signature", func(a *account.App, way int) {
		a.Settings.AnySignature = true
		a.Name += strings.Repeat("n", 300*way) // this rule can be broken in one way only
	}},
}

func key(k func(way int) account.Key) func(*account.App, int) {
	return func(a *account.App, way int) { a.Keys = append(a.Keys, k(way)) }
}

func limit(a *account.App, command string, n int) {
	if a.Settings.RateLimits == nil {
		a.Settings.RateLimits = map[string]int{}
	}
	a.Settings.RateLimits[command] = n
}

func timeout(a *account.App, p account.Platform, n int) {
	if a.Settings.LinkTimeouts == nil {
		a.Settings.LinkTimeouts = map[account.Platform]int{}
	}
	a.Settings.LinkTimeouts[p] = n
}

// broken returns a good app with the breaches of the numbers in which. Breach i breaks
// its rule in way ways[i].
func broken(which []int, ways map[int]int) account.App {
	a := goodApp()
	for i, b := range breaches {
		if slices.Contains(which, i) {
			b.do(&a, ways[i])
		}
	}
	return a
}

// harmless changes break no rule in any record.
var harmless = []func(*account.App){
	func(*account.App) {},
	func(a *account.App) { a.Disabled = true },
	func(a *account.App) { a.Test, a.Settings.AnySignature = false, false },
	func(a *account.App) { a.Settings.AllowDelete = true },
	func(a *account.App) { a.Admins = a.Admins[1:] },
	func(a *account.App) { a.Keys = a.Keys[1:] },
	func(a *account.App) { slices.Reverse(a.Settings.Words) },
	func(a *account.App) {
		for i := range a.Keys {
			a.Keys[i].Retired, a.Keys[i].Ended = time.Unix(1, 0), true
		}
	},
}

// TestValidateChange changes records that break rules. A change that keeps or corrects
// faults is accepted. A change that adds a fault, or breaks the same rule in another way,
// is refused.
func TestValidateChange(t *testing.T) {
	all := make([]int, len(breaches))
	for i := range all {
		all[i] = i
	}
	some := rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID)
	rapid.Check(t, func(t *rapid.T) {
		had, has := some.Draw(t, "faults before"), some.Draw(t, "faults afterwards")
		before, after := broken(had, nil), broken(has, nil)
		added := slices.DeleteFunc(slices.Clone(has), func(i int) bool { return slices.Contains(had, i) })
		err := after.ValidateChange(&before, commands)
		if len(added) == 0 && err != nil || len(added) > 0 && account.CodeOf(err) != account.InvalidApp {
			t.Errorf("faults %v added: %v", added, err)
		}
		same := before.Clone()
		rapid.SampledFrom(harmless).Draw(t, "harmless change")(&same)
		if err := same.ValidateChange(&before, commands); err != nil {
			t.Errorf("a harmless change: %v", err)
		}
	})
}

// TestFaults breaks each rule separately.
func TestFaults(t *testing.T) {
	parts := []string{"sdkappid", account.PartName, account.PartEdition, account.PartAdmin, account.PartKey}
	for _, f := range account.SettingForms() {
		parts = append(parts, f.Name)
	}
	for i, b := range breaches {
		a := broken([]int{i}, nil)
		found := a.Faults(commands)
		if len(found) != 1 || !slices.Contains(parts, found[0].Part) || found[0].Detail == "" {
			t.Errorf("%s: %+v, want one fault of a part of the record", b.name, found)
		}
		if strings.Contains(fmt.Sprintf("%+v", found), publicTexts[0]) {
			t.Errorf("%s: the fault contains the secret", b.name)
		}
		other := broken([]int{i}, map[int]int{i: 1})
		if err := other.ValidateChange(&a, commands); account.CodeOf(err) != account.InvalidApp {
			t.Errorf("%s: also broken in another way: %v, want InvalidApp", b.name, err)
		}
	}
}

// TestTooManyBecomeFewer checks that a list that is too long may be shortened in steps.
func TestTooManyBecomeFewer(t *testing.T) {
	for i, b := range breaches {
		longer, shorter := broken([]int{i}, map[int]int{i: 1}), broken([]int{i}, nil)
		if !slices.Contains([]string{"admins", "keys", "custom tags", "allow_sources", "ip_list", "words"}, b.name) {
			continue
		}
		if err := shorter.ValidateChange(&longer, commands); err != nil {
			t.Errorf("%s: shorter, but still too long: %v", b.name, err)
		}
	}
}
