package view

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"rollcall/internal/admin"
	"rollcall/internal/console/curl"
)

// A Kind is the kind of a field. It says how its text becomes a value of the request.
type Kind string

// Kinds of fields of the body. A field without a text is left out, except for Kept.
const (
	Text         Kind = "text"         // a text
	Kept         Kind = "kept"         // a text, which is sent even if it is empty
	Number       Kind = "number"       // a number
	Bool         Kind = "bool"         // true or false; a check box
	Lines        Kind = "lines"        // a list of texts, one in each line
	JSON         Kind = "json"         // any value
	Time         Kind = "time"         // a time in UTC, as browsers send that of datetime-local
	Milliseconds Kind = "milliseconds" // a duration as 1h30m, as a number of milliseconds
	Seconds      Kind = "seconds"      // a duration as 1h30m, as a number of seconds
	Secret       Kind = "secret"       // a text that is not shown again
	Null         Kind = "null"         // null, whatever the text of the field is
)

// Kinds of members of a merge patch. One that is not changed is left out, and an empty one is
// null.
const (
	Change       Kind = "change"       // a text
	ChangeNumber Kind = "changenumber" // a number
)

// Kinds of fields outside the body.
const (
	Query  Kind = "query"  // of the query
	Path   Kind = "path"   // of the path
	Header Kind = "header" // a header of the request
)

// A Form is a form that calls a route of the admin API. It is sent to the address of the
// page that shows it.
type Form struct {
	ID      string        // unique on the page
	Request admin.Request // the route with what no field contains; with a Body, there are no fields of it
	Fields  []Field
	Submit  string // key of the text of the button
	Danger  bool   // it cannot be undone
	Confirm string // text to type before, as the id of what is deleted; "" for none
	Next    string // address after success; "" for the same page
	Done    string // key of the message after success
	Show    bool   // the page shows the result, once
	Inline  bool   // fields and button are in one line

	// NextOf returns the address after success, if it depends on the result of the route.
	NextOf func(result any) string
}

// After returns the address that follows the success of f, which was sent to here.
func (f *Form) After(result any, here string) string {
	switch {
	case f.NextOf != nil:
		return f.NextOf(result)
	case f.Next != "":
		return f.Next
	}
	return here
}

// A Field is a field of a form.
type Field struct {
	Name     string // in the body with dots for the objects around it, in the query or in the path
	Kind     Kind
	Label    string // key of its text
	Hint     string // key of a longer text; "" for none
	Value    string
	Choices  []Choice // if only these are allowed
	Required bool
	Clear    bool   // an empty field is sent as null, which resets a setting
	Area     bool   // several lines
	Hidden   bool   // not shown, as if it were a part of the request
	Example  string // shown while the field is empty
}

// A Choice is a value of a field and its text.
type Choice struct{ Value, Text string }

// Input returns the name of a field in the form.
func (f *Field) Input() string {
	kind := string(f.Kind)
	if f.Clear {
		kind += "?"
	}
	return kind + ":" + f.Name
}

// value returns the text of a field: what was sent, or else its value.
func (f *Field) value(sent *Sent) string {
	if sent == nil || sent.Problem == nil || f.Kind == Secret {
		return f.Value
	}
	return sent.Values.Get(f.Input())
}

// checked reports whether a check box is set.
func (f *Field) checked(sent *Sent) bool {
	if sent == nil || sent.Problem == nil {
		return f.Value == "true"
	}
	values := sent.Values[f.Input()]
	return len(values) > 0 && values[len(values)-1] == "true"
}

// values returns the fields of f as a browser would send them unchanged.
func (f *Form) values() url.Values {
	v := url.Values{}
	for i := range f.Fields {
		v.Set(f.Fields[i].Input(), f.Fields[i].Value)
		if f.Fields[i].changes() {
			v.Set("was:"+f.Fields[i].Name, f.Fields[i].Value)
		}
	}
	return v
}

// Fill returns the request of a form with fields as they were sent.
func Fill(r admin.Request, sent url.Values) (admin.Request, error) {
	return curl.Fill(r, sent)
}

// command returns the line of curl for f.
func (p *Page) command(f *Form) string {
	r, err := Fill(f.Request, f.values())
	if err != nil {
		r = f.Request
	}
	return curl.Line(p.Server, r)
}

// fieldID returns the id of a field in the page.
func (f *Form) fieldID(field *Field) string {
	return f.ID + "-" + strings.NewReplacer(":", "-", ".", "-", "?", "").Replace(field.Input())
}

// lineOf returns the line of curl for r.
func (p *Page) lineOf(r admin.Request) string { return curl.Line(p.Server, r) }

// template returns what a script needs to keep the line of curl as the form is. A form
// with a whole body has no fields that change the line.
func (p *Page) template(f *Form) string {
	if f.Request.Body != nil {
		return ""
	}
	return curl.Template(p.Server, f.Request)
}

// isNumber reports whether the field has a number.
func (f *Field) isNumber() bool { return f.Kind == Number || f.Kind == ChangeNumber }

// changes reports whether the field needs its value from before.
func (f *Field) changes() bool { return f.Kind == Change || f.Kind == ChangeNumber }

// was returns the value before the change, as it was when the form was shown first.
func (f *Field) was(sent *Sent) string {
	if sent == nil || sent.Problem == nil {
		return f.Value
	}
	return sent.Values.Get("was:" + f.Name)
}

// inputType returns the type of the input of a field.
func (f *Field) inputType() string {
	switch f.Kind {
	case Number, ChangeNumber:
		return "number"
	case Time:
		return "datetime-local"
	case Secret:
		return "password"
	}
	return "text"
}

// attributes returns the further attributes of the input of a field.
func (f *Field) attributes(form *Form) templ.Attributes {
	a := templ.Attributes{}
	if f.Required {
		a["required"] = true
	}
	if f.Example != "" && len(f.Choices) == 0 {
		a["placeholder"] = f.Example
	}
	if f.Hint != "" {
		a["aria-describedby"] = form.fieldID(f) + "-hint"
	}
	if !f.isNumber() && f.Kind != Time && len(f.Choices) == 0 {
		a["autocomplete"] = "off"
	}
	if f.isNumber() {
		a["step"] = "any"
	}
	if f.Kind == Time {
		a["step"] = "1" // second; browsers refuse seconds otherwise
	}
	return a
}
