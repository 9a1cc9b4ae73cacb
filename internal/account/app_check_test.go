package account_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
)

// goodApp returns an app that is valid.
func goodApp() account.App {
	return account.App{
		ID: 1400000000, Name: "shop", Edition: account.Pro,
		Keys:   []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "secret"}},
		Admins: []account.UserID{account.Administrator, "boss"},
	}
}

// commands are the names that rate limits may have.
var commands = []string{"account_check", "kick", "querystate"}

// A validation is a change of a good app and the error that it must cause.
type validation struct {
	name   string
	change func(*account.App)
	want   string // "" if the app is still valid
}

func checkValidations(t *testing.T, tests []validation) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := goodApp()
			tt.change(&app)
			if got := detail(t, app.Validate(commands), account.InvalidApp); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAppIdentity(t *testing.T) {
	checkValidations(t, []validation{
		{"good", func(*account.App) {}, ""},
		{"no id", func(a *account.App) { a.ID = 0 }, "the SDKAppID is 0; give a number from 1 to 4294967295"},
		{"largest id", func(a *account.App) { a.ID = 1<<32 - 1 }, ""},
		{"no name", func(a *account.App) { a.Name = "" }, ""},
		{"longest name", func(a *account.App) { a.Name = strings.Repeat("n", 200) }, ""},
		{"long name", func(a *account.App) { a.Name = strings.Repeat("n", 201) }, "the name is longer than 200 bytes; shorten it"},
		{
			"no edition", func(a *account.App) { a.Edition = "" },
			`edition "" is unknown; use one of [trial development standard pro enterprise]`,
		},
		{
			"unknown edition", func(a *account.App) { a.Edition = "Pro" },
			`edition "Pro" is unknown; use one of [trial development standard pro enterprise]`,
		},
		{"region", func(a *account.App) { a.Settings.Region = "jakarta" }, ""},
		{
			"unknown region", func(a *account.App) { a.Settings.Region = "mars" },
			`region "mars" is unknown; use one of [china singapore seoul tokyo frankfurt silicon-valley jakarta saudi-arabia mumbai]`,
		},
		{"any signature of a test app", func(a *account.App) { a.Test, a.Settings.AnySignature = true, true }, ""},
		{
			"any signature", func(a *account.App) { a.Settings.AnySignature = true },
			"any_signature is only for apps that were created as test apps",
		},
		{"cors of a test app", func(a *account.App) { a.Test, a.Settings.CORS = true, true }, ""},
		{
			"cors", func(a *account.App) { a.Settings.CORS = true },
			"cors is only for apps that were created as test apps",
		},
	})
	for _, edition := range account.Editions() {
		app := goodApp()
		app.Edition = edition
		if err := app.Validate(commands); err != nil {
			t.Errorf("edition %s: %v", edition, err)
		}
	}
}

// TestLongTextsAreCut checks the errors of very long values. An error quotes only the
// beginning of a value, which is enough for people to find it.
func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("é", 1<<18)
	for name, change := range map[string]func(*account.App){
		"edition":    func(a *account.App) { a.Edition = account.Edition(long) },
		"region":     func(a *account.App) { a.Settings.Region = long },
		"rate mode":  func(a *account.App) { a.Settings.RateMode = account.RateMode(long) },
		"not_admin":  func(a *account.App) { a.Settings.NotAdmin = account.NotAdminMode(long) },
		"login_mode": func(a *account.App) { a.Settings.LoginMode = account.LoginMode(long) },
		"kick_event": func(a *account.App) { a.Settings.KickEvent = account.KickEvent(long) },
		"reconnect":  func(a *account.App) { a.Settings.KickedReconnect = account.KickedReconnect(long) },
		"push":       func(a *account.App) { a.Settings.PushPlatforms = []account.Platform{account.Platform(long)} },
		"timeout":    func(a *account.App) { timeout(a, account.Platform(long), 1) },
		"rate limit": func(a *account.App) { a.Settings.RateLimits = map[string]int{long: 1} },
		"tag":        func(a *account.App) { a.Settings.CustomTags = []account.CustomTag{{Key: long}} },
		"kind":       func(a *account.App) { a.Keys[0].Kind = account.KeyKind(long) },
	} {
		app := goodApp()
		change(&app)
		if got := detail(t, app.Validate(commands), account.InvalidApp); !strings.Contains(got, "é…\"") || len(got) > 400 {
			t.Errorf("%s: %d bytes: %.100s", name, len(got), got)
		}
	}
	token := account.Token{Name: "ci", Scopes: []account.Scope{account.Scope(long)}}
	if got := detail(t, token.Validate(), account.BadParameter); !strings.Contains(got, "é…\"") || len(got) > 400 {
		t.Errorf("scope: %d bytes: %.100s", len(got), got)
	}
}

func TestAppAdmins(t *testing.T) {
	numbered := func(n int) (ids []account.UserID) {
		for i := range n {
			ids = append(ids, account.UserID(fmt.Sprint("admin", i)))
		}
		return ids
	}
	checkValidations(t, []validation{
		{"none", func(a *account.App) { a.Admins = nil }, "an app keeps at least one admin; add another admin first"},
		{"most", func(a *account.App) { a.Admins = numbered(10) }, ""},
		{"too many", func(a *account.App) { a.Admins = numbered(11) }, "an app has at most 10 admins, not 11; remove others first"},
		{
			"bad id", func(a *account.App) { a.Admins[1] = "@boss" },
			`admin "@boss": UserIDs that start with @ or #TOA# are reserved; choose another`,
		},
		{"strict does not bind admins", func(a *account.App) { a.Settings.StrictIDs, a.Admins[1] = true, "the boss" }, ""},
		{"twice", func(a *account.App) { a.Admins[1] = account.Administrator }, `admin "administrator" is named twice`},
	})
}

// givePublic is the end of the error for each invalid public key.
const givePublic = "; give the app's ECDSA public key in PEM, on one of the curves P-224, P-256, P-384, P-521 and secp256k1"

func TestAppKeys(t *testing.T) {
	hmac := func(id, secret string) account.Key {
		return account.Key{ID: id, Kind: account.HMACKey, Secret: secret}
	}
	public := func(text string) account.Key {
		return account.Key{ID: "7", Kind: account.ECDSAKey, Secret: text}
	}
	key := func(k account.Key) func(*account.App) {
		return func(a *account.App) { a.Keys = []account.Key{k} }
	}
	numbered := func(n int) func(*account.App) {
		return func(a *account.App) {
			a.Keys = nil
			for i := range n {
				a.Keys = append(a.Keys, hmac(fmt.Sprint(i), "secret"))
			}
		}
	}
	checkValidations(t, []validation{
		{"none", func(a *account.App) { a.Keys = nil }, ""},
		{"most", numbered(20), ""},
		{"too many", numbered(21), "an app has at most 20 keys; retire and remove old ones"},
		{"id twice", func(a *account.App) { a.Keys = append(a.Keys, hmac("1", "other")) }, `key id "1" is used twice`},
		{"longest id", key(hmac(strings.Repeat("i", 64), "secret")), ""},
		{"long id", key(hmac(strings.Repeat("i", 65), "secret")), "the id of key 1 is longer than 64 bytes; shorten it"},
		{"longest secret", key(hmac("7", strings.Repeat("s", 4096))), ""},
		{"long secret", key(hmac("7", strings.Repeat("s", 4097))), `key "7": it is longer than a key may be; give one of at most 4096 bytes`},
		{"long public key", key(public(strings.Repeat("s", 4097))), `key "7": it is longer than a key may be; give one of at most 4096 bytes`},
		{"no id", key(hmac("", "secret")), `key "": it has no id`},
		{"empty", key(hmac("7", "")), `key "7": it is empty`},
		{"two lines", key(hmac("7", "secret\nmore")), `key "7": it is not one line of text; a key in PEM is an ECDSA key`},
		{"carriage return", key(hmac("7", "secret\r")), `key "7": it is not one line of text; a key in PEM is an ECDSA key`},
		{
			"unknown kind", key(account.Key{ID: "7", Kind: "rsa", Secret: "secret"}),
			`key "7": its kind "rsa" is unknown; use "hmac" or "ecdsa"`,
		},
		{"ecdsa", key(public(publicPEM(t, newECDSAKey(t)))), ""},
		{"not PEM", key(public("secret")), `key "7": it is not PEM: no line begins with -----BEGIN` + givePublic},
		{"private", key(public(privatePEM(t))), `key "7": it is a private key (openssl pkey -pubout makes the public key of one)` + givePublic},
		{"other curve of key", key(public(publicPEM(t, newEdKey(t)))), `key "7": it is an Ed25519 key` + givePublic},
	})
}

func newECDSAKey(t *testing.T) any {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func newEdKey(t *testing.T) any {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// TestPublicAsSecret passes public keys in every spelling as the secret of an HMAC key.
func TestPublicAsSecret(t *testing.T) {
	for name, key := range map[string]string{"P-256": publicPEM(t, newECDSAKey(t)), "Ed25519": publicPEM(t, newEdKey(t)), "secp256k1": koblitzPEM} {
		block, _ := pem.Decode([]byte(key))
		bare := base64.StdEncoding.EncodeToString(block.Bytes)
		for spelling, secret := range map[string]string{
			"blanks":         strings.ReplaceAll(strings.TrimSpace(key), "\n", " "),
			"escapes":        strings.ReplaceAll(key, "\n", `\n`),
			"CR and LF":      strings.ReplaceAll(key, "\n", `\r\n`),
			"no ends":        strings.ReplaceAll(key, "\n", ""),
			"no hyphens":     strings.ReplaceAll(strings.ReplaceAll(key, "-----", ""), "\n", " "),
			"base64":         bare,
			"base64 by 64":   strings.Join([]string{bare[:40], bare[40:]}, " "),
			"base64, escape": bare[:40] + `\n` + bare[40:],
			"unpadded":       strings.TrimRight(bare, "="),
			"for URLs":       base64.RawURLEncoding.EncodeToString(block.Bytes),
			"hexadecimal":    hex.EncodeToString(block.Bytes),
			"of a UserSig":   strings.NewReplacer("+", "*", "/", "-", "=", "_").Replace(bare),
			"with 0x":        "0x" + hex.EncodeToString(block.Bytes),
			"bytes of C":     "0x" + strings.ReplaceAll(fmt.Sprintf("% x", block.Bytes), " ", ", 0x"),
			"with colons":    strings.ReplaceAll(fmt.Sprintf("% X", block.Bytes), " ", ":"),
		} {
			checkPublic(t, name+", "+spelling, secret)
		}
	}
	for _, secret := range []string{strings.Repeat("5bd2850f", 8), "a secret of words", base64.StdEncoding.EncodeToString(make([]byte, 91)), "MFkw", "AAAA", "AAAA////", "0x", "04", "04" + strings.Repeat("5b", 64), strings.Repeat("5bd2850f", 16), "ssh-secret"} {
		a := goodApp()
		a.Keys = []account.Key{{ID: "7", Kind: account.HMACKey, Secret: secret}}
		if err := a.Validate(commands); err != nil {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

// checkPublic checks that a text is refused as the secret of an HMAC key because it is a
// public key. A key that was stored before the rule existed can still be retired.
func checkPublic(t *testing.T, name, secret string) {
	t.Helper()
	a := goodApp()
	a.Keys = []account.Key{{ID: "7", Kind: account.HMACKey, Secret: secret}}
	if err := a.Validate(commands); err == nil || !strings.Contains(err.Error(), "is a public key, which anybody may know") {
		t.Errorf("%s: %v", name, err)
	}
	if err := a.Keys[0].Validate(); err == nil || !strings.HasPrefix(err.(*account.Error).Detail, "the key: it is a public key, ") {
		t.Errorf("%s, alone: %v", name, err)
	}
	before := a.Clone()
	a.Keys[0].Retired = time.Unix(1, 0)
	if err := a.ValidateChange(&before, commands); err != nil {
		t.Errorf("%s, retired: %v", name, err)
	}
}

// TestBarePublicAsSecret passes public keys without a SubjectPublicKeyInfo around them.
func TestBarePublicAsSecret(t *testing.T) {
	bare := map[string][]byte{}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if bare[curve.Params().Name], err = key.PublicKey.Bytes(); err != nil {
			t.Fatal(err)
		}
	}
	block, _ := pem.Decode([]byte(koblitzPEM))
	bare["secp256k1"] = block.Bytes[len(block.Bytes)-65:]
	bare["x and y"] = bare["P-256"][1:]
	edKey := newEdKey(t).(ed25519.PublicKey)
	ssh := append([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"), edKey...)
	bare["SSH"] = ssh
	rsaKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	bare["PKCS #1"] = x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	if bare["certificate"], err = x509.CreateCertificate(rand.Reader, template, template, &rsaKey.PublicKey, rsaKey); err != nil {
		t.Fatal(err)
	}
	for name, b := range bare {
		std := base64.StdEncoding.EncodeToString(b)
		checkPublic(t, name+" in base64", std)
		checkPublic(t, name+" in base64 of a UserSig", strings.NewReplacer("+", "*", "/", "-", "=", "_").Replace(std))
		checkPublic(t, name+" in base64 for URLs", base64.RawURLEncoding.EncodeToString(b))
		checkPublic(t, name+" in hexadecimal", hex.EncodeToString(b))
		checkPublic(t, name+" in hexadecimal with colons", strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":"))
	}
	line := base64.StdEncoding.EncodeToString(ssh)
	checkPublic(t, "a line of SSH", "ssh-ed25519 "+line+" me@example.com")
	checkPublic(t, "a line of SSH with options", "restrict ssh-ed25519 "+line)
	checkPublic(t, "JSON", `{"kty":"EC","crv":"P-256","x":"MKBC","y":"4Etl"}`)
}

// koblitzPEM is a public key on secp256k1.
const koblitzPEM = `-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEP6zFeysgal6DSOBfAH2ShKXlkji05Pu5
tsmEtdjaVHW0FvSsdJ0QmqnJQPzqlYhUoRsaPzBiUG1dVuKGbqmyIw==
-----END PUBLIC KEY-----
`

// TestTombstoneDays checks that a ban never exceeds the range of a time.
func TestTombstoneDays(t *testing.T) {
	for days, want := range map[int]string{
		-1: "", 0: "", 1: "", account.MaxTombstoneDays: "", account.MaxTombstoneDays + 1: "give at most 36500", 106752: "give at most 36500", math.MaxInt: "give at most 36500",
	} {
		a := goodApp()
		a.Edition, a.Settings.TombstoneDays = account.Pro, days
		if err := a.Validate(commands); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d days: %v, want %q", days, err, want)
		}
		if ban := a.TombstoneBan(); days > 0 && ban != time.Duration(min(days, account.MaxTombstoneDays))*24*time.Hour {
			t.Errorf("%d days ban for %v", days, ban)
		}
	}
}

func publicPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func privatePEM(t *testing.T) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestAppCustomTags(t *testing.T) {
	tags := func(keys ...string) func(*account.App) {
		return func(a *account.App) {
			for _, k := range keys {
				a.Settings.CustomTags = append(a.Settings.CustomTags, account.CustomTag{Key: k})
			}
		}
	}
	letters := strings.Split("abcdefghijklmnopqrstu", "")
	checkValidations(t, []validation{
		{"most", tags(letters[:20]...), ""},
		{"too many", tags(letters...), "an app has at most 20 custom tags, not 21"},
		{"any letters", tags("azAZ"), ""},
		{"longest", tags("abcdefgh"), ""},
		{"long", tags("abcdefghi"), `custom tag key "abcdefghi" must be 1 to 8 letters`},
		{"empty", tags(""), `custom tag key "" must be 1 to 8 letters`},
		{"digit", tags("a1"), `custom tag key "a1" must be 1 to 8 letters`},
		{"next to letters", tags("@"), `custom tag key "@" must be 1 to 8 letters`},
		{"beyond letters", tags("["), `custom tag key "[" must be 1 to 8 letters`},
		{"not ASCII", tags("é"), `custom tag key "é" must be 1 to 8 letters`},
		{"twice", tags("Test", "Test"), `custom tag "Test" is declared twice`},
		{"case-sensitive", tags("Test", "test"), ""},
	})
}

func TestAppLimits(t *testing.T) {
	settings := func(change func(*account.Settings)) func(*account.App) {
		return func(a *account.App) { change(&a.Settings) }
	}
	checkValidations(t, []validation{
		{"quota", settings(func(s *account.Settings) { s.Quota = 1 }), ""},
		{"negative quota", settings(func(s *account.Settings) { s.Quota = -1 }), "the quota is negative; give 0 for the edition's own"},
		{"shadow", settings(func(s *account.Settings) { s.RateMode = account.RateShadow }), ""},
		{"documented", settings(func(s *account.Settings) { s.NotAdmin = account.NotAdminDocumented }), ""},
		{"unknown not_admin", settings(func(s *account.Settings) { s.NotAdmin = "60010" }), `not_admin "60010" is unknown; use "documented" or "gateway", or leave it empty for 70403 in im_open_login_svc and 60010 elsewhere`},
		{"off", settings(func(s *account.Settings) { s.RateMode = account.RateOff }), ""},
		{
			"unknown mode", settings(func(s *account.Settings) { s.RateMode = "enforce" }),
			`rate mode "enforce" is unknown; use "shadow", "off" or leave it empty to enforce`,
		},
		{"negative ceiling", settings(func(s *account.Settings) { s.AppRateLimit = -1 }), "a rate limit is negative; give 0 for none"},
		{"negative lockout", settings(func(s *account.Settings) { s.LockoutAfter = -1 }), "a rate limit is negative; give 0 for none"},
		{"most sources", settings(func(s *account.Settings) { s.AllowSources = make([]netip.Prefix, 1000) }), ""},
		{
			"too many sources", settings(func(s *account.Settings) { s.AllowSources = make([]netip.Prefix, 1001) }),
			"an app has at most 1000 allowed sources",
		},
		{"a login mode", settings(func(s *account.Settings) { s.LoginMode = account.LoginDual }), ""},
		{
			"unknown login mode", settings(func(s *account.Settings) { s.LoginMode = "multi" }),
			`login_mode "multi" is unknown; use "triple", "dual" or "single", or leave it empty to give each platform places of its own`,
		},
		{"most devices", settings(func(s *account.Settings) { s.DevicesPerPlatform, s.WebInstances = 3, 10 }), ""},
		{"too many devices", settings(func(s *account.Settings) { s.DevicesPerPlatform = 4 }), "devices_per_platform is 4; give 1 to 3, or 0 for 1"},
		{"too many browsers", settings(func(s *account.Settings) { s.WebInstances = 11 }), "web_instances is 11; give 1 to 10, or 0 for 1"},
		{"a negative number", settings(func(s *account.Settings) { s.WebInstances = -1 }), "web_instances is -1; give 1 to 10, or 0 for 1"},
		{"no push", settings(func(s *account.Settings) { s.PushPlatforms = []account.Platform{} }), ""},
		{
			"push to a browser", settings(func(s *account.Settings) { s.PushPlatforms = []account.Platform{account.Web} }),
			`push_platforms has "Web", which push does not reach; use some of [iPhone iPad Android Windows Mac Linux]`,
		},
		{
			"push twice", settings(func(s *account.Settings) { s.PushPlatforms = []account.Platform{account.Mac, account.Mac} }),
			"push_platforms has Mac twice",
		},
		{"a timeout", settings(func(s *account.Settings) { s.LinkTimeouts = map[account.Platform]int{account.Web: 86400} }), ""},
		{
			"a long timeout", settings(func(s *account.Settings) { s.LinkTimeouts = map[account.Platform]int{account.Web: 86401} }),
			"the link timeout of Web is 86401; give 1 to 86400 seconds",
		},
		{
			"a timeout of nothing", settings(func(s *account.Settings) { s.LinkTimeouts = map[account.Platform]int{"tv": 1} }),
			`link_timeouts has the platform "tv", which is unknown; use some of [iPhone iPad Android Web MiniProgram Windows Mac Linux]`,
		},
		{
			"unknown kick event", settings(func(s *account.Settings) { s.KickEvent = "logout" }),
			`kick_event "logout" is unknown; use "disconnect" or "off", or leave it empty for a Logout`,
		},
		{
			"unknown reconnect", settings(func(s *account.Settings) { s.KickedReconnect = "allow" }),
			`kicked_reconnect "allow" is unknown; use "refuse", or leave it empty to let the device log in`,
		},
		{"addresses", settings(func(s *account.Settings) {
			s.IPList = []string{"127.0.0.2", "183.192.202.0/25", "2001:db8::1", "2001:db8::/32", "::ffff:192.0.2.1"}
		}), ""},
		{"most addresses", settings(func(s *account.Settings) { s.IPList = slices.Repeat([]string{"127.0.0.2"}, 1000) }), ""},
		{
			"too many addresses", settings(func(s *account.Settings) { s.IPList = slices.Repeat([]string{"127.0.0.2"}, 1001) }),
			"an app has at most 1000 addresses in ip_list",
		},
		{
			"no address", settings(func(s *account.Settings) { s.IPList = []string{"127.0.0.2", "example.com"} }),
			`entry 2 of ip_list is "example.com"; give an address as 203.0.113.7, or a network as 198.51.100.0/24`,
		},
		{
			"an address with a zone", settings(func(s *account.Settings) { s.IPList = []string{"fe80::1%eth0"} }),
			`entry 1 of ip_list is "fe80::1%eth0"; give an address as 203.0.113.7, or a network as 198.51.100.0/24`,
		},
		{
			"an address with a port", settings(func(s *account.Settings) { s.IPList = []string{"127.0.0.2:80"} }),
			`entry 1 of ip_list is "127.0.0.2:80"; give an address as 203.0.113.7, or a network as 198.51.100.0/24`,
		},
		{
			"an empty address", settings(func(s *account.Settings) { s.IPList = []string{""} }),
			`entry 1 of ip_list is ""; give an address as 203.0.113.7, or a network as 198.51.100.0/24`,
		},
		{"a zone", settings(func(s *account.Settings) { s.FiguresZone = "America/Argentina/Buenos_Aires" }), ""},
		{
			"an unknown zone", settings(func(s *account.Settings) { s.FiguresZone = "+08:00" }),
			`figures_zone "+08:00" is no time zone of the tz database; give a name such as Asia/Shanghai or Europe/Berlin`,
		},
		{
			"the zone of a machine", settings(func(s *account.Settings) { s.FiguresZone = "Local" }),
			`figures_zone "Local" is no time zone of the tz database; give a name such as Asia/Shanghai or Europe/Berlin`,
		},
		{
			"a path as zone", settings(func(s *account.Settings) { s.FiguresZone = "../../etc/passwd" }),
			`figures_zone "../../etc/passwd" is no time zone of the tz database; give a name such as Asia/Shanghai or Europe/Berlin`,
		},
		{"a negative tombstone is none", settings(func(s *account.Settings) { s.TombstoneDays = -1 }), ""},
	})
}

func TestAppRateLimits(t *testing.T) {
	limits := func(m map[string]int) func(*account.App) {
		return func(a *account.App) { a.Settings.RateLimits = m }
	}
	const known = "use one of [account_check kick querystate]"
	checkValidations(t, []validation{
		{"every command", limits(map[string]int{"account_check": 1, "kick": 1, "querystate": 1}), ""},
		{
			"misspelt", limits(map[string]int{"kick": 1, "account_inport": 1}),
			`a rate limit is for "account_inport", which is no command; ` + known,
		},
		{"with its service", limits(map[string]int{"profile/kick": 1}), `a rate limit is for "profile/kick", which is no command; ` + known},
		{"no name", limits(map[string]int{"": 1}), `a rate limit is for "", which is no command; ` + known},
		{"zero", limits(map[string]int{"kick": 0}), "the rate limit of kick must be at least 1"},
		{"negative", limits(map[string]int{"kick": -1}), "the rate limit of kick must be at least 1"},
		{
			"the first of many faults", limits(map[string]int{"querystate": 0, "kick": 0, "account_check": 0}),
			"the rate limit of account_check must be at least 1",
		},
	})
}

func TestAppWords(t *testing.T) {
	words := func(w ...string) func(*account.App) {
		return func(a *account.App) { a.Settings.Words = w }
	}
	checkValidations(t, []validation{
		{"most", words(slices.Repeat([]string{"w"}, 10000)...), ""},
		{"too many", words(slices.Repeat([]string{"w"}, 10001)...), "an app has at most 10000 sensitive words"},
		{"longest", words(strings.Repeat("w", 100)), ""},
		{"long", words("w", strings.Repeat("w", 101)), "sensitive word 2 must be 1 to 100 bytes"},
		{"empty", words("w", ""), "sensitive word 2 must be 1 to 100 bytes"},
	})
}
