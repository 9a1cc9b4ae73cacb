package console

import (
	"net/http"
	"time"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// appKeys shows the keys of the app.
func (v *visit) appKeys() (*content, error) {
	k := &view.AppKeys{
		Make: &view.Form{ID: "make", Request: v.ofApp("addKey", nil), Submit: "keys.make", Done: "keys.added", Show: true},
		AddSecret: &view.Form{
			ID: "add-secret", Request: v.ofApp("addKey", nil), Submit: "keys.add-do", Done: "keys.added",
			Fields: []view.Field{{Name: "secret", Kind: view.Secret, Label: "keys.secret", Hint: "keys.secret-what", Required: true}},
		},
		AddPublic: &view.Form{
			ID: "add-public", Request: v.ofApp("addKey", nil), Submit: "keys.add-do", Done: "keys.added",
			Fields: []view.Field{{Name: "public_key", Kind: view.Text, Label: "keys.public", Hint: "keys.public-what", Required: true, Area: true}},
		},
	}
	now, err := v.now()
	if err != nil {
		return nil, err
	}
	c := &content{forms: []*view.Form{k.Make, k.AddSecret, k.AddPublic}}
	for _, key := range v.App.Keys {
		row := view.AppKey{Key: key, Retired: !key.RetiredAt.IsZero() && !now.Before(key.RetiredAt)}
		if !row.Retired {
			row.Retire = v.retireForm(key)
			c.forms = append(c.forms, row.Retire)
		}
		k.Keys = append(k.Keys, row)
	}
	c.page = view.AppKeysPage(&v.Page, k)
	return c, nil
}

// now returns the time of the app's clock, which a test app can set.
func (v *visit) now() (time.Time, error) {
	if !v.App.Test {
		return time.Now(), nil
	}
	clock, err := call[adminapi.Clock](v, v.ofApp("readClock", nil))
	if admin.ProblemOf(err).Status == http.StatusForbidden { // the server allows no test apps, so their clocks show real time
		return time.Now(), nil
	}
	return clock.Now, err
}

func (v *visit) retireForm(key adminapi.Key) *view.Form {
	r := v.ofApp("retireKey", nil)
	r.Params["id"] = key.ID
	return &view.Form{
		ID: formID("retire", key.ID), Request: r, Submit: "keys.retire", Done: "keys.retire-done", Danger: true, Confirm: key.Fingerprint,
		Fields: []view.Field{{Name: "at", Kind: view.Time, Label: "keys.at", Hint: "keys.at-what"}},
	}
}
