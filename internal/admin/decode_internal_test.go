package admin

import (
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
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
		err := decode([]byte(body), new(adminapi.NewApp), "")
		if _, got := classify(err); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// A null is as an absent member for a time, but no patch of settings.
func TestNull(t *testing.T) {
	if err := decode([]byte(`{"at":null}`), new(adminapi.Retirement), ""); err != nil {
		t.Errorf("a time: %v", err)
	}
	_, got := classify(decode([]byte(`{"settings":null}`), new(adminapi.AppPatch), ""))
	if want := "/settings in the body is not an object"; got != want {
		t.Errorf("settings: %q, want %q", got, want)
	}
}

// Times are written in UTC with milliseconds, also where these are none. The time of a
// kick is known in whole seconds.
func TestTimes(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	got, err := encode(adminapi.Account{CreatedAt: at, UpdatedAt: at.Add(1230 * time.Microsecond), KickedAt: at})
	want := `{"userid":"","nick":"","face_url":"","internal_id":"","created_at":"2027-01-02T02:04:05.000Z","updated_at":"2027-01-02T02:04:05.001Z","kicked_at":"2027-01-02T02:04:05Z","profile":{}}`
	if err != nil || string(got) != want {
		t.Errorf("encode: %v\n got %s\nwant %s", err, got, want)
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
