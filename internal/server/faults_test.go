package server

import (
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/testutil"
)

// publicText is the base64 of a public key, which older versions accepted as a secret.
const publicText = "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEP6zFeysgal6DSOBfAH2ShKXlkji05Pu5tsmEtdjaVHW0FvSsdJ0QmqnJQPzqlYhUoRsaPzBiUG1dVuKGbqmyIw=="

// TestStartOnFaultyRecords starts on apps whose stored records break newer rules, while
// --key-file and --admin change. The start succeeds and logs one warning for each app.
func TestStartOnFaultyRecords(t *testing.T) {
	testutil.Secret(t, publicText)
	for name, test := range map[string]struct {
		spoil func(*account.App)
		warns []string // nil for no warning
	}{
		"public key": {
			func(a *account.App) {
				a.Keys = append(a.Keys, account.Key{ID: "1", Kind: account.HMACKey, Secret: publicText})
			},
			[]string{`key \"1\": it is a public key`, `\"rollcall app key retire 1 1400000099\"`},
		},
		"retired public key": {
			func(a *account.App) {
				a.Keys = append(a.Keys, account.Key{ID: "1", Kind: account.HMACKey, Secret: publicText, Retired: a.Created, Ended: true})
			}, nil,
		},
		"public key of the file": {
			func(a *account.App) { a.Keys[0].Secret = publicText },
			nil, // the key is retired, because the file has another one
		},
		"tombstone_days": {
			func(a *account.App) { a.Settings.TombstoneDays = 1 << 40 },
			[]string{"tombstone_days is 1099511627776; give at most 36500", `\"rollcall app set 1400000099 --setting tombstone_days=VALUE\", or --unset tombstone_days`},
		},
		"a rate limit of a command": {
			func(a *account.App) { a.Settings.RateLimits = map[string]int{"kick": 1} },
			nil,
		},
		"a rate limit of no command": {
			func(a *account.App) { a.Settings.RateLimits = map[string]int{"kicked": 1} },
			[]string{`a rate limit is for \"kicked\", which is no command`, "--unset rate_limits"},
		},
		"many words": {
			func(a *account.App) { a.Settings.Words = make([]string, 9) },
			[]string{"sensitive word 3 must be 1 to 100 bytes; and 6 more"},
		},
		"an id for a shell": {
			func(a *account.App) { a.Admins = append(a.Admins, "@it's") },
			[]string{"rollcall app admin remove '@it"},
		},
		"an edition": {func(a *account.App) { a.Edition = "gold" }, []string{`\"rollcall app set 1400000099 --edition VALUE\"`}},
		"many admins": {
			func(a *account.App) {
				for c := range 11 {
					a.Admins = append(a.Admins, account.UserID(rune('a'+c)))
				}
			},
			[]string{"remove others first", "rollcall app admin remove USERID 1400000099"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeyFileServer(t)
			k.start(t, "secret A", func(s *Server) {
				_, err := s.records.UpdateApp(t.Context(), account.AppID(k.o.SDKAppID), func(a account.App) (account.App, error) {
					test.spoil(&a)
					return a, nil
				}, account.AuditEntry{Actor: "older version", Action: "app.change"})
				if err != nil {
					t.Fatal(err)
				}
			})
			if name != "many admins" {
				k.o.Admin = "boss"
			}
			k.start(t, "secret B", func(*Server) {})
			const breaks = "breaks a rule"
			log := k.log.String()
			want := 1
			if test.warns == nil {
				want = 0
			}
			if n := strings.Count(log, breaks); n != want {
				t.Errorf("%d warnings, want %d:\n%s", n, want, log)
			}
			for _, text := range test.warns {
				if !strings.Contains(log, text) {
					t.Errorf("the log does not say %s:\n%s", text, log)
				}
			}
		})
	}
}
