package conformance

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/internal/testutil"
	"rollcall/usersig"
)

var placeholder = regexp.MustCompile(`\{\{([^}]*)\}\}`)

// expand fills the placeholders of text in:
//
//	{{admin}}        the whole query of a call signed by administrator; options as sig
//	{{sig}}          a UserSig; options: user=, app=, key=hmac|old|other|ecdsa|other-ecdsa|secp256k1,
//	                 age=1h (issued before now), valid=24h,
//	                 json=FORM (signed by hand, see formsOfSig)
//	{{x 501}}        that many letters x
//	{{ids 101}}      that many ids, quoted, with commas
//	{{items 101}}    that many objects with a UserID
//	{{deep 33}}      a value nested that deep
//	{{hex ff}}       raw bytes
func expand(tb testing.TB, keys *keys, text string) string {
	tb.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name, rest, _ := strings.Cut(m[2:len(m)-2], " ")
		switch name {
		case "admin":
			o := readSigOptions(tb, rest)
			return fmt.Sprintf("sdkappid=%d&identifier=%s&usersig=%s&random=4294967295&contenttype=json",
				o.app, url.QueryEscape(o.user), keys.sign(tb, o))
		case "sig":
			return keys.sign(tb, readSigOptions(tb, rest))
		case "hex":
			b, err := hex.DecodeString(rest)
			if err != nil {
				tb.Fatalf("%s: %v", m, err)
			}
			return string(b)
		}
		return generate(tb, name, rest)
	})
}

func generate(tb testing.TB, name, count string) string {
	tb.Helper()
	n, err := strconv.Atoi(count)
	if err != nil {
		tb.Fatalf("{{%s %s}}: %v", name, count, err)
	}
	switch name {
	case "x":
		return strings.Repeat("x", n)
	case "ids":
		return list(n, `"id%03d"`)
	case "items":
		return list(n, `{"UserID":"id%03d"}`)
	case "deep":
		return strings.Repeat("[", n) + strings.Repeat("]", n)
	}
	tb.Fatalf("unknown placeholder %q", name)
	return ""
}

func list(n int, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i+1)
	}
	return strings.Join(items, ",")
}

type sigOptions struct {
	user, key  string
	json       string
	app        uint32
	age, valid time.Duration
}

func readSigOptions(tb testing.TB, text string) sigOptions {
	tb.Helper()
	o := sigOptions{user: "administrator", key: "hmac", app: uint32(defaultApp), valid: 24 * time.Hour}
	for option := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(option, "=")
		var err error
		switch key {
		case "user":
			o.user = value
		case "key":
			o.key = value
		case "json":
			o.json = value
		case "age":
			o.age, err = time.ParseDuration(value)
		case "valid":
			o.valid, err = time.ParseDuration(value)
		case "app":
			var n uint64
			n, err = strconv.ParseUint(value, 10, 32)
			o.app = uint32(n)
		default:
			tb.Fatalf("unknown option %q", option)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return o
}

func (k *keys) sign(tb testing.TB, o sigOptions) string {
	tb.Helper()
	if o.json != "" {
		return k.signByHand(tb, o)
	}
	key, ok := k.signing[o.key]
	if !ok {
		tb.Fatalf("no key %q", o.key)
	}
	text, err := usersig.Sign(key, usersig.Claims{
		SDKAppID: o.app, Identifier: o.user, IssuedAt: time.Now().Add(-o.age), Validity: o.valid,
	})
	if err != nil {
		tb.Fatal(err)
	}
	testutil.Secret(tb, text)
	return text
}
