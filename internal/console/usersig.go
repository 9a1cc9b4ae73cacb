package console

import (
	"rollcall/internal/admin"
	"rollcall/internal/console/view"
)

// userSig makes UserSigs of test apps, and explains UserSigs of all apps.
func (v *visit) userSig() (*content, error) {
	identifier := v.query.Get("identifier")
	s := &view.UserSigTools{}
	s.Explain = &view.Form{
		ID: "explain", Submit: "usersig.explain", Show: true,
		Request: admin.Request{Route: "explainUserSig", Params: v.OfApp()},
		Fields: []view.Field{
			{Name: "usersig", Kind: view.Text, Label: "usersig.text", Hint: "usersig.text-hint", Required: true, Area: true},
			{Name: "identifier", Kind: view.Text, Label: "usersig.of-call", Hint: "usersig.of-call-hint", Value: identifier},
		},
	}
	forms := []*view.Form{s.Explain}
	if v.App.Test {
		s.Make = v.makeSig(identifier)
		forms = append(forms, s.Make)
	}
	return &content{page: view.UserSigPage(&v.Page, s), forms: forms}, nil
}

// makeSig returns the form that makes a UserSig.
func (v *visit) makeSig(identifier string) *view.Form {
	return &view.Form{
		ID: "make", Submit: "usersig.make", Show: true,
		Request: admin.Request{Route: "signUser", Params: v.OfApp()},
		Fields: []view.Field{
			{Name: "identifier", Kind: view.Text, Label: "usersig.identifier", Hint: "usersig.identifier-hint", Value: identifier, Example: v.App.Admins[0]},
			v.validity(),
		},
	}
}

// validity returns the field with the validity of a UserSig.
func (v *visit) validity() view.Field {
	return view.Field{Name: "validity_s", Kind: view.Number, Label: "usersig.validity", Value: "86400", Choices: []view.Choice{
		{Value: "3600", Text: v.T("usersig.hour")},
		{Value: "86400", Text: v.T("usersig.day")},
		{Value: "604800", Text: v.T("usersig.days", 7)},
		{Value: "15552000", Text: v.T("usersig.days", 180)},
	}}
}
