package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// account shows one account, or that an id has none.
func (v *visit) account() (*content, error) {
	a := &view.AccountView{ID: v.query.Get("userid")}
	a.Read = v.ofApp("findAccount", map[string]string{"userid": a.ID})
	v.Title = v.T("account.title")
	found, err := call[adminapi.Account](v, a.Read)
	switch {
	case err == nil:
		a.Account = &found
	case admin.ProblemOf(err).Status == http.StatusNotFound && a.ID != "":
		a.Missing = admin.ProblemOf(err)
	default:
		return nil, err
	}
	if a.Calls, err = v.callsAbout(a.ID); err != nil {
		return nil, err
	}
	if a.Account == nil {
		a.Add = v.addForm(a.ID)
		a.Delete = v.deleteOne(a.ID) // its result may be shown
		return &content{page: view.AccountPage(&v.Page, a), forms: []*view.Form{a.Add, a.Delete}}, nil
	}
	a.Change, a.Delete, a.Kick, a.Unkick = v.changeForm(a), v.deleteOne(a.ID), v.kickForm(a.ID), v.unkickForm(a.ID)
	forms := []*view.Form{a.Change, a.Delete, a.Kick, a.Unkick}
	if v.App.Test {
		a.Sign = v.signForm(a.ID)
		forms = append(forms, a.Sign)
	}
	devices, ofDevices, err := v.devicesOf(a.ID)
	if err != nil {
		return nil, err
	}
	a.Devices = devices
	forms = append(forms, ofDevices...)
	return &content{page: view.AccountPage(&v.Page, a), forms: forms}, nil
}

// changeForm changes the tags of an account that admins may write. The others become
// a.Fixed.
func (v *visit) changeForm(a *view.AccountView) *view.Form {
	f := &view.Form{
		ID: "change", Request: v.ofApp("changeFoundAccount", map[string]string{"userid": a.ID}), Submit: "account.save", Done: "account.saved",
	}
	app := account.App{Settings: v.App.Settings}
	tags := app.Tags()
	for tag := range a.Account.Profile { // the app may not declare it any more
		if !slices.Contains(tags, account.Tag(tag)) {
			a.Fixed = append(a.Fixed, view.TagValue{Tag: tag, Value: tagValue(a.Account, account.Tag(tag))})
		}
	}
	for _, tag := range inOrder(tags) {
		spec, _ := app.Tag(tag)
		value := tagValue(a.Account, tag)
		if spec.NoWrite {
			a.Fixed = append(a.Fixed, view.TagValue{Tag: string(tag), Value: value})
			continue
		}
		f.Fields = append(f.Fields, v.tagField(tag, spec, value))
	}
	slices.SortFunc(a.Fixed, view.ByTag)
	return f
}

// inOrder returns tags with the nick and the picture first.
func inOrder(tags []account.Tag) []account.Tag {
	first := []account.Tag{account.TagNick, account.TagImage}
	return append(first, slices.DeleteFunc(tags, func(t account.Tag) bool { return slices.Contains(first, t) })...)
}

// tagField returns the field of a tag. A custom tag is its own label.
func (v *visit) tagField(tag account.Tag, spec account.TagSpec, value string) view.Field {
	f := view.Field{Name: "profile." + string(tag), Kind: view.Change, Label: string(tag), Value: value}
	if label := "account.tag." + string(tag); v.Has(label) {
		f.Label, f.Hint = label, string(tag)
	}
	if spec.IsNumber {
		f.Kind = view.ChangeNumber
	}
	f.Area = strings.ContainsAny(value, "\r\n") // other inputs drop the ends of lines
	if spec.Allowed != nil {
		f.Choices = []view.Choice{{Value: "", Text: v.T("account.unset")}}
		for _, allowed := range spec.Allowed {
			f.Choices = append(f.Choices, view.Choice{Value: allowed, Text: allowed})
		}
	}
	return f
}

// tagValue returns the value of a tag as text. "" is no value.
func tagValue(a *adminapi.Account, tag account.Tag) string {
	switch tag {
	case account.TagNick:
		return a.Nick
	case account.TagImage:
		return a.FaceURL
	}
	raw, ok := a.Profile[string(tag)]
	if !ok {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// deleteOne deletes an account.
func (v *visit) deleteOne(id string) *view.Form {
	return &view.Form{
		ID: "delete", Request: v.ofApp("deleteAccounts", nil), Submit: "account.delete", Danger: true, Confirm: id, Show: true,
		Fields: []view.Field{{Name: "userids", Kind: view.Lines, Value: id, Hidden: true}},
	}
}

func (v *visit) kickForm(id string) *view.Form {
	return v.ofID("kick", "kickAccount", id, "account.kick", "account.kicked")
}

func (v *visit) unkickForm(id string) *view.Form {
	return v.ofID("unkick", "unkickAccount", id, "account.unkick", "account.unkicked")
}

// ofID returns a form whose request has only an id.
func (v *visit) ofID(form, route, id, submit, done string) *view.Form {
	return &view.Form{
		ID: form, Request: v.ofApp(route, nil), Submit: submit, Done: done,
		Fields: []view.Field{{Name: "userid", Kind: view.Text, Value: id, Hidden: true}},
	}
}

// signForm makes a UserSig for an account of a test app.
func (v *visit) signForm(id string) *view.Form {
	f := v.ofID("sign", "signUser", id, "account.sign", "")
	f.Show = true
	f.Fields[0].Name = "identifier"
	f.Fields = append(f.Fields, v.validity())
	return f
}

// maxCallsShown is the number of calls on the page of an account.
const maxCallsShown = 20

// callsAbout returns the newest calls that an account made, or that name it.
func (v *visit) callsAbout(id string) (view.CallsAbout, error) {
	about := view.CallsAbout{Read: v.ofApp("listAppCalls", map[string]string{"userid": id, "limit": strconv.Itoa(maxCallsShown)})}
	list, err := call[adminapi.CallList](v, about.Read)
	about.Calls = list.Calls
	return about, err
}
