package admin

import (
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

// TestBodyProblem checks that a body that cannot be read is refused with the place, the
// reason and the name that was probably meant.
func TestBodyProblem(t *testing.T) {
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

// TestNull checks that a null counts as an absent member for a time, but is refused for a
// patch of settings.
func TestNull(t *testing.T) {
	if err := decode([]byte(`{"at":null}`), new(adminapi.Retirement), ""); err != nil {
		t.Errorf("a time: %v", err)
	}
	_, got := classify(decode([]byte(`{"settings":null}`), new(adminapi.AppPatch), ""))
	if want := "/settings in the body is not an object"; got != want {
		t.Errorf("settings: %q, want %q", got, want)
	}
}

// TestTimes checks that times are written in UTC with milliseconds, even if these are 0.
// The time of a kick is written in whole seconds.
func TestTimes(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	got, err := encode(adminapi.Account{CreatedAt: at, UpdatedAt: at.Add(1230 * time.Microsecond), KickedAt: at})
	want := `{"userid":"","nick":"","face_url":"","internal_id":"","created_at":"2027-01-02T02:04:05.000Z","updated_at":"2027-01-02T02:04:05.001Z","kicked_at":"2027-01-02T02:04:05Z","profile":{}}`
	if err != nil || string(got) != want {
		t.Errorf("encode: %v\n got %s\nwant %s", err, got, want)
	}
}

// TestRemedyOfUnknownID checks that the remedy for an unknown id names the command that
// lists the existing ones.
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

// TestCheckDirNamesParent checks that a copy below a directory that does not exist is
// refused with the path of that directory.
func TestCheckDirNamesParent(t *testing.T) {
	above := t.TempDir() + "/nodir"
	_, got := classify(checkDir(above + "/monday"))
	if want := "the directory " + account.Quote(above) + " does not exist; create it first"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
