package api

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/internal/account"
)

// TestUnknownTags reads and writes tags that the app does not have.
func TestUnknownTags(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Settings: account.Settings{RateMode: account.RateOff, CustomTags: []account.CustomTag{{Key: "team"}}}})
	query := params(plainApp, "administrator", sign(t, testKey, plainApp, "administrator", f.time.Unix()))
	const meant = "the app has no such tag; did you mean "
	blank, huge := "Nick"+strings.Repeat(" ", maxTagBytes), "Tag_Profile_IM_Nick"+strings.Repeat("_", 1<<16)
	for tag, want := range map[string]string{
		"Tag_Profile_IM_Birthday":  `"Tag_Profile_IM_Birthday": ` + meant + "Tag_Profile_IM_BirthDay?",
		"Tag_Profile_IM_Nik":       `"Tag_Profile_IM_Nik": ` + meant + "Tag_Profile_IM_Nick?",
		"Tag_Profile_Nick":         `"Tag_Profile_Nick": ` + meant + "Tag_Profile_IM_Nick?",
		"nick":                     `"nick": ` + meant + "Tag_Profile_IM_Nick?",
		"Team":                     `"Team": ` + meant + "Tag_Profile_Custom_team?",
		"Tag_Profile_Custom_Teams": `"Tag_Profile_Custom_Teams": ` + meant + "Tag_Profile_Custom_team?",
		"Tag_Profile_IM_Nothing":   `"Tag_Profile_IM_Nothing": there is no such standard tag, and none can be declared; check its spelling`,
		"Tag_Profile_Custom_other": `"Tag_Profile_Custom_other": the app has no such tag; check its spelling or declare it`,
		blank:                      `the app has no such tag; check its spelling or declare it`,
		huge:                       `the app has no such tag; check its spelling or declare it`,
	} {
		for command, body := range map[string]string{
			"portrait_get": `{"To_Account":["administrator"],"TagList":["Tag_Profile_IM_Role",%q,"zzz"]}`,
			"portrait_set": `{"From_Account":"administrator","ProfileItem":[{"Tag":"Tag_Profile_IM_Role","Value":1},{"Tag":%q,"Value":"x"},{"Tag":"zzz","Value":"x"}]}`,
		} {
			got := f.post(t, request("POST", "/v4/profile/"+command, query, fmt.Sprintf(body, tag)))
			if *got.ErrorCode != 40009 || *got.ErrorInfo != want {
				t.Errorf("%s of %.40q: %d %s\nwant %s", command, tag, *got.ErrorCode, *got.ErrorInfo, want)
			}
		}
	}
}

// TestManyTags requests the maximum number of tags, and one more. Duplicates do
// not count.
func TestManyTags(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Settings: account.Settings{RateMode: account.RateOff}})
	query := params(plainApp, "administrator", sign(t, testKey, plainApp, "administrator", f.time.Unix()))
	get := func(tags []string) response {
		body := fmt.Sprintf(`{"To_Account":["administrator"],"TagList":["%s"]}`, strings.Join(tags, `","`))
		return f.post(t, request("POST", "/v4/profile/portrait_get", query, body))
	}
	var tags []string
	for i := range maxTags + 1 {
		tags = append(tags, fmt.Sprint("other", i))
	}
	if got := get(tags[:maxTags]); *got.ErrorCode != 40009 || !strings.HasPrefix(*got.ErrorInfo, `"other0": `) {
		t.Errorf("%d tags: %d %s", maxTags, *got.ErrorCode, *got.ErrorInfo)
	}
	if got := get(tags); *got.ErrorCode != 40009 || *got.ErrorInfo != "TagList has more tags than an app can have" {
		t.Errorf("a tag more: %d %s", *got.ErrorCode, *got.ErrorInfo)
	}
	if got := get(strings.Fields(strings.Repeat("Tag_Profile_IM_Nick ", 2*maxTags))); *got.ErrorCode != 0 {
		t.Errorf("duplicates: %d %s", *got.ErrorCode, *got.ErrorInfo)
	}
}

// TestUnknownIDs requests ids without an account. Some of them are invalid, and
// the advice for those is not to import them.
func TestUnknownIDs(t *testing.T) {
	const long = "123456789012345678901234567890123"
	const absent = "" // the remedy needs no detail
	strictApp := account.App{ID: openApp, Settings: account.Settings{RateMode: account.RateOff, StrictIDs: true}}
	f := newFixture(t, account.App{ID: plainApp, Settings: account.Settings{RateMode: account.RateOff}}, strictApp)
	for _, test := range []struct {
		app      account.AppID
		id, want string
	}{
		{plainApp, "nobody", absent},
		{plainApp, "two words", absent},
		{plainApp, long, "the UserID is longer than 32 bytes; shorten it"},
		{plainApp, "@x", "UserIDs that start with @ or #TOA# are reserved; choose another"},
		{plainApp, "", "the UserID is empty; give 1 to 32 bytes"},
		{openApp, "nobody", absent},
		{openApp, "two words", "the UserID may hold only letters, digits, _ and -"},
	} {
		query := params(test.app, "administrator", sign(t, testKey, test.app, "administrator", f.time.Unix()))
		for command, body := range map[string]string{
			"profile/portrait_get":             `{"To_Account":["administrator",%q],"TagList":["Tag_Profile_IM_Nick"]}`,
			"profile/portrait_set":             `{"From_Account":%q,"ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"x"}]}`,
			"openim/querystate":                `{"To_Account":["administrator",%q]}`,
			"openim/query_online_status":       `{"To_Account":["administrator",%q]}`,
			"im_open_login_svc/account_delete": `{"DeleteItem":[{"UserID":%q}]}`,
			"im_open_login_svc/kick":           `{"UserID":%q}`,
		} {
			w := httptest.NewRecorder()
			f.ServeHTTP(w, request("POST", "/v4/"+command, query, fmt.Sprintf(body, test.id)))
			advice := strings.ToLower(w.Header().Get("Rollcall-Advice"))
			if !strings.Contains(advice, strings.ToLower(test.want)+". ") && test.want != "" || test.want == "" && !strings.HasSuffix(advice, "first.") && !strings.HasSuffix(advice, "nothing to delete.") {
				t.Errorf("%s of %q: Rollcall-Advice = %q, want %q in it", command, test.id, advice, test.want)
			}
		}
	}
}
