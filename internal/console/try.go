package console

import (
	"encoding/json"
	"slices"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// anyTry leads to the page of an app: of the chosen one, or of the first one.
func (v *visit) anyTry() error {
	if v.App == nil && len(v.Apps) > 0 {
		v.App = v.Apps[0]
	}
	if v.App == nil {
		return v.redirect(Prefix)
	}
	return v.redirect(v.In("try"))
}

// try makes calls of the account API.
func (v *visit) try() (*content, error) {
	c := commandNamed(v.query.Get("command"))
	t := &view.Trial{Command: c.name, Text: v.query.Get("form") == "text"}
	for _, other := range commands() {
		t.Commands = append(t.Commands, other.name)
	}
	for _, e := range c.examples {
		t.Examples = append(t.Examples, e.name)
	}
	identifier, body, err := v.draft(c, t)
	if err != nil {
		return nil, err
	}
	t.Form = &view.Form{
		ID: "call", Submit: "try.send", Show: true,
		Request: admin.Request{Route: "makeCall", Params: v.OfApp()},
		Fields: []view.Field{
			{Name: "command", Kind: view.Text, Value: c.name, Hidden: true},
			{Name: "identifier", Kind: view.Text, Label: "try.signer", Hint: "try.signer-hint", Value: identifier, Example: v.App.Admins[0]},
		},
	}
	if t.Text {
		t.Form.Fields = append(t.Form.Fields, view.Field{Name: "text", Kind: view.Text, Label: "try.body", Hint: "try.body-hint", Area: true, Value: view.Indent(body)})
	} else {
		t.Form.Fields = append(t.Form.Fields, c.fields(body)...)
	}
	if sent := v.Of(t.Form.ID); sent != nil { // the fields belong to the response
		for i := range t.Form.Fields {
			t.Form.Fields[i].Value = sent.Values.Get(t.Form.Fields[i].Input())
		}
	}
	t.Made = func() *view.MadeCall { return v.made("call") }
	forms := []*view.Form{t.Form}
	if !v.App.Test {
		forms = nil
	}
	return &content{page: view.TryPage(&v.Page, t), forms: forms}, nil
}

// draft returns the identifier and the body that the form begins with: those of a call
// that was made, or an example.
func (v *visit) draft(c *command, t *view.Trial) (identifier, body string, err error) {
	if id := v.query.Get("from"); id != "" {
		made, err := call[adminapi.Call](v, admin.Request{Route: "readCall", Params: map[string]string{"id": id}})
		if err != nil {
			return "", "", err
		}
		if made.SDKAppID == v.App.SDKAppID && made.Request != nil {
			t.From, t.Text = id, true // the fields could not show everything
			return made.Identifier, made.Request.Text, nil
		}
	}
	i := slices.IndexFunc(c.examples, func(e example) bool { return e.name == v.query.Get("example") })
	e := c.examples[max(0, i)]
	t.Example = e.name
	return "", string(e.value), nil
}

// fields returns the fields of the body of a request, with the values of an example.
func (c *command) fields(body string) []view.Field {
	values := map[string]json.RawMessage{}
	_ = json.Unmarshal([]byte(body), &values) // it is an example of the document
	var all []view.Field
	for _, p := range c.properties {
		all = append(all, p.field(values[p.name]))
	}
	return all
}

// field returns the field of a property with a value, which may be nil.
func (p *property) field(value json.RawMessage) view.Field {
	f := view.Field{Name: "body." + p.name, Label: p.name, Hint: "try.field." + p.name, Value: string(value)}
	switch {
	case p.kind == "string":
		f.Kind = view.Text
		var text string
		_ = json.Unmarshal(value, &text) // nil, or an example of a text
		f.Value = text
	case p.kind == "integer":
		f.Kind = view.Number
		if len(p.enum) > 0 {
			f.Choices = []view.Choice{{}}
			for _, e := range p.enum {
				f.Choices = append(f.Choices, view.Choice{Value: e, Text: e})
			}
		}
	case p.texts:
		f.Kind = view.Lines
		var texts []string
		_ = json.Unmarshal(value, &texts)
		f.Value = strings.Join(texts, "\n")
	default:
		f.Kind = view.JSON
		f.Value = view.Indent(string(value))
	}
	return f
}
