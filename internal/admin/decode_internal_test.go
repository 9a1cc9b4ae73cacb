package admin

import (
	"strings"
	"testing"

	"rollcall/internal/account"
)

// A body that cannot be read is refused with the place, the reason and the name
// that was meant.
func TestBodyFault(t *testing.T) {
	for body, want := range map[string]string{
		`{'sdkappid':5}`:                         "the body is not JSON at byte 2: invalid character '\\''",
		`{"sdkappid":5`:                          "the body is not JSON at byte 14: unexpected EOF; correct it",
		`{"sdkapid":5}`:                          "the body has /sdkapid, which is unknown here; did you mean sdkappid?",
		`{"Name":"x"}`:                           "the body has /Name, which is unknown here; did you mean name?",
		`{"colour":"x"}`:                         "the body has /colour, which is unknown here; correct its name or leave it out",
		`{"settings":{"quote":5}}`:               "the body has /settings/quote, which is unknown here; did you mean quota?",
		`{"` + strings.Repeat("x", 500) + `":1}`: "correct its name or leave it out",
	} {
		err := decode([]byte(body), new(NewApp), "")
		if _, got := classify(err); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// The remedy for an id that is unknown names the list with those that exist.
func TestRemedyOfUnknownID(t *testing.T) {
	for code, want := range map[account.Code]string{
		account.NoApp:   "rollcall app list",
		account.NoKey:   "rollcall app key list",
		account.NoToken: "rollcall token list",
	} {
		slug, _ := classify(&account.Error{Code: code})
		if slug.Name != notFound.Name || !strings.Contains(slug.Remedy, want) {
			t.Errorf("%v: %s, %q, want %q", code, slug.Name, slug.Remedy, want)
		}
	}
}

// A copy below a directory that does not exist is refused with its path.
func TestCheckDirNamesParent(t *testing.T) {
	above := t.TempDir() + "/nodir"
	_, got := classify(checkDir(above + "/monday"))
	if want := "the directory " + account.Quote(above) + " does not exist; create it first"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
