package account_test

import (
	"strings"
	"testing"

	"rollcall/internal/account"
)

func TestReadKey(t *testing.T) {
	const secret = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	for name, text := range map[string]string{
		"as it is":        secret,
		"line end":        secret + "\n",
		"CR LF":           secret + "\r\n",
		"byte order mark": "\ufeff" + secret + "\n",
		"blanks":          " \t" + secret + " ",
	} {
		if k, err := account.ReadKey(text); err != nil || k.Kind != account.HMACKey || k.Secret != secret {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
	public := publicPEM(t, newECDSAKey(t))
	for _, text := range []string{public, "\ufeff" + strings.ReplaceAll(public, "\n", "\r\n")} {
		if k, err := account.ReadKey(text); err != nil || k.Kind != account.ECDSAKey {
			t.Errorf("public key: %v, %v", k, err)
		}
	}
	for text, want := range map[string]string{
		"":                     "it is empty; give the secret key of the app as one line of text, or its ECDSA public key in PEM",
		"\ufeff \n":            "it is empty",
		`"` + secret + `"`:     "the key is in quotes; remove them",
		"'" + secret + "'\n":   "the key is in quotes",
		secret + "\n" + secret: "it has several lines; give the secret key",
		"\xff\xfe5\x00b\x00":   "it is not UTF-8; save it as UTF-8 or ASCII",
		privatePEM(t):          "it is a private key",
		`"` + public:           "it is not PEM: it stands in quotes",
	} {
		_, err := account.ReadKey(text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v; want %q", text, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "MF")) {
			t.Errorf("the error shows a key: %v", err)
		}
	}
}
