package account

import (
	"encoding/json"
	"testing"
)

// TestStoredAppsOfOlderVersions reads records with settings that have been renamed since.
func TestStoredAppsOfOlderVersions(t *testing.T) {
	for settings, want := range map[string]Settings{
		`{}`:                          {},
		`{"gateway_not_admin":false}`: {},
		`{"gateway_not_admin":true}`:  {NotAdmin: NotAdminGateway},
		`{"gateway_not_admin":true,"not_admin":"documented"}`: {NotAdmin: NotAdminDocumented},
		`{"hide_unknown_ids":true}`:                           {},
		`{"hide_unknown_ids":true,"echo_unknown_ids":true}`:   {EchoUnknownIDs: true},
	} {
		var a App
		if err := json.Unmarshal([]byte(`{"sdkappid":7,"edition":"pro","keys":[],"settings":`+settings+`}`), &a); err != nil {
			t.Fatal(err)
		}
		if a.ID != 7 || a.Edition != Pro || a.Settings.NotAdmin != want.NotAdmin || a.Settings.EchoUnknownIDs != want.EchoUnknownIDs {
			t.Errorf("%s is read as %+v", settings, a.Settings)
		}
		if f := (&App{ID: 7, Edition: Pro, Admins: []UserID{Administrator}, Settings: a.Settings}).Faults(nil); len(f) > 0 {
			t.Errorf("%s: %v", settings, f)
		}
	}
	if err := json.Unmarshal([]byte(`{"settings":{"gateway_not_admin":"yes"}}`), new(App)); err == nil {
		t.Error("a damaged record is read")
	}
}
