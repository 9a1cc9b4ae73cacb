package console

import (
	"encoding/hex"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/console/view"
)

// app shows the app, its admins and its end.
func (v *visit) app() (*content, error) {
	o := &view.AppOverview{Change: v.changeAppForm(), Delete: v.deleteAppForm(), AddAdmin: v.addAdminForm()}
	c := &content{forms: []*view.Form{o.Change, o.AddAdmin, o.Delete}}
	for _, id := range v.App.Admins {
		f := v.removeAdminForm(id)
		o.Admins = append(o.Admins, view.Admin{UserID: id, Remove: f})
		c.forms = append(c.forms, f)
	}
	if v.App.Test {
		o.EndTest = v.endTestForm()
		c.forms = append(c.forms, o.EndTest)
	}
	c.page = view.AppPage(&v.Page, o)
	return c, nil
}

// formID returns the ID of a form for one thing of several. The name of the thing may
// contain any character.
func formID(action, name string) string { return action + "-" + hex.EncodeToString([]byte(name)) }

// appID returns the SDKAppID of the page as text.
func (v *visit) appID() string { return strconv.FormatUint(uint64(v.App.SDKAppID), 10) }

// newChange returns a form that changes the app. It is refused if somebody else has changed
// the app since the page was loaded.
func (v *visit) newChange(id string, fields ...view.Field) *view.Form {
	version := view.Field{Name: "If-Match", Kind: view.Header, Value: `"` + strconv.FormatUint(v.App.Version, 10) + `"`, Hidden: true}
	return &view.Form{ID: id, Request: v.ofApp("changeApp", nil), Fields: append([]view.Field{version}, fields...)}
}

func (v *visit) changeAppForm() *view.Form {
	f := v.newChange("change",
		view.Field{Name: "name", Kind: view.Kept, Label: "app.name", Value: v.App.Name},
		view.Field{Name: "edition", Kind: view.Text, Label: "app.edition", Hint: "app.edition-what", Value: v.App.Edition, Choices: editions()},
		view.Field{Name: "disabled", Kind: view.Bool, Label: "app.disable", Hint: "app.disable-what", Value: strconv.FormatBool(v.App.Disabled)},
	)
	f.Submit, f.Done = "app.save", "app.saved"
	return f
}

func editions() (all []view.Choice) {
	for _, e := range account.Editions() {
		all = append(all, view.Choice{Value: string(e), Text: string(e)})
	}
	return all
}

func (v *visit) addAdminForm() *view.Form {
	return &view.Form{
		ID: "add-admin", Request: v.ofApp("addAdmin", nil), Submit: "app.add-admin", Done: "app.admin-added",
		Fields: []view.Field{{Name: "userid", Kind: view.Path, Label: "app.admin", Required: true}},
	}
}

func (v *visit) removeAdminForm(id string) *view.Form {
	r := v.ofApp("removeAdmin", nil)
	r.Params["userid"] = id
	return &view.Form{ID: formID("remove-admin", id), Request: r, Submit: "app.remove-admin", Done: "app.admin-removed", Danger: true, Inline: true}
}

func (v *visit) endTestForm() *view.Form {
	f := v.newChange("end-test", view.Field{Name: "test", Kind: view.Bool, Value: "false", Hidden: true})
	f.Submit, f.Done, f.Danger, f.Confirm = "app.end-test-do", "app.test-ended", true, v.appID()
	return f
}

func (v *visit) deleteAppForm() *view.Form {
	return &view.Form{
		ID: "delete", Request: v.ofApp("deleteApp", nil), Submit: "app.delete-do", Done: "app.deleted",
		Danger: true, Confirm: v.appID(), Next: Prefix,
	}
}
