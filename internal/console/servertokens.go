package console

import (
	"time"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// tokens shows the tokens of the admin API.
func (v *visit) tokens() (*content, error) {
	if !v.Can("listTokens") {
		return &content{page: view.NotAllowedPage(&v.Page, "tokens.not-allowed")}, nil
	}
	list, err := call[adminapi.TokenList](v, admin.Request{Route: "listTokens"})
	if err != nil {
		return nil, err
	}
	t := &view.Tokens{Create: v.createTokenForm()}
	c := &content{forms: []*view.Form{t.Create}}
	for _, token := range list.Tokens {
		row := view.Token{Token: token, Expired: !token.ExpiresAt.IsZero() && !time.Now().Before(token.ExpiresAt), This: token.ID == v.Token.ID}
		row.Delete = &view.Form{
			ID: formID("delete", token.ID), Request: admin.Request{Route: "deleteToken", Params: map[string]string{"id": token.ID}},
			Submit: "tokens.delete", Done: "tokens.deleted", Danger: true, Confirm: token.Name,
		}
		t.Tokens = append(t.Tokens, row)
		c.forms = append(c.forms, row.Delete)
	}
	c.page = view.TokensPage(&v.Page, t)
	return c, nil
}

func (v *visit) createTokenForm() *view.Form {
	var scopes []view.Choice
	for _, s := range account.Scopes() {
		scopes = append(scopes, view.Choice{Value: string(s), Text: v.T("tokens.scope." + string(s))})
	}
	return &view.Form{
		ID: "create", Request: admin.Request{Route: "createToken"}, Submit: "tokens.create", Done: "tokens.made", Show: true,
		Fields: []view.Field{
			{Name: "name", Kind: view.Text, Label: "tokens.name", Hint: "tokens.name-what", Required: true},
			{Name: "scopes", Kind: view.Lines, Label: "tokens.scopes", Value: string(account.ScopeRead), Choices: scopes}, // each includes those before it
			{Name: "expires_at", Kind: view.Time, Label: "tokens.expires", Hint: "tokens.expires-what"},
		},
	}
}
