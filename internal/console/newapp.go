package console

import (
	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/console/view"
)

// newApp shows the form that creates an app.
func (v *visit) newApp() (*content, error) {
	f := &view.Form{
		ID: "create", Request: admin.Request{Route: "createApp"}, Submit: "newapp.create", Done: "newapp.created", Show: true,
		Fields: []view.Field{
			{Name: "sdkappid", Kind: view.Number, Label: "newapp.id", Hint: "newapp.id-what", Required: true, Example: "1400000001"},
			{Name: "name", Kind: view.Text, Label: "newapp.name", Hint: "newapp.name-what"},
			{Name: "edition", Kind: view.Text, Label: "app.edition", Hint: "app.edition-what", Value: string(account.Development), Choices: editions()},
			{Name: "test", Kind: view.Bool, Label: "newapp.test", Hint: "newapp.test-what", Value: v.query.Get("test")},
			{Name: "ttl_s", Kind: view.Seconds, Label: "newapp.ttl", Hint: "newapp.ttl-what", Example: "7d"},
			{Name: "admins", Kind: view.Lines, Label: "newapp.admins"},
			{Name: "secret", Kind: view.Secret, Label: "keys.secret", Hint: "newapp.secret-what"},
			{Name: "public_key", Kind: view.Text, Label: "keys.public", Hint: "keys.public-what", Area: true},
		},
	}
	return &content{page: view.NewAppPage(&v.Page, f), forms: []*view.Form{f}}, nil
}
