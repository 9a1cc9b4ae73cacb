package openapi

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/wire"
)

const aboutWire = `The account commands of Tencent Cloud Chat and Live, as Rollcall serves them.

Every call is a POST request whose query identifies the caller. Every response has HTTP status 200. In the response of a failed call, ` + "`ActionStatus`" + ` is ` + "`FAIL`" + `, ` + "`ErrorCode`" + ` is one of [these](/docs/errors), and the header ` + "`Rollcall-Advice`" + ` says what to do.`

// services are the services of the vendor's protocol.
var services = []Tag{
	{"im_open_login_svc", "Accounts: import, look up, delete, invalidate signatures."},
	{"openim", "Presence."},
	{"profile", "Profiles."},
	{"openconfigsvr", "Mutes and figures."},
	{"openim_robot_http_svc", "Robots."},
	{"ConfigSvc", "Addresses of the service."},
}

// Wire describes the vendor's protocol. Its examples are calls that succeed in their order
// on an app without accounts except its administrator.
func Wire(comments Comments) *Document {
	r := &reflector{comments: comments, known: wireTypes()}
	d := &Document{
		OpenAPI: "3.1.0",
		Info:    Info{"Account API", "v4", aboutWire},
		Servers: []Server{{"/"}},
		Tags:    services,
	}
	for _, c := range commands() {
		d.Paths = append(d.Paths, Member[PathItem]{c.Path(), only("post", c.operation(r))})
	}
	r.schemas = append(r.schemas, Member[*Schema]{"Failure", failure()})
	r.refine(wireFields)
	d.Components = Components{Schemas: r.schemas, Parameters: wireParameters()}
	return d
}

// wireTypes returns the schemas of types whose JSON differs from their Go type.
func wireTypes() map[reflect.Type]func() *Schema {
	return map[reflect.Type]func() *Schema{
		reflect.TypeFor[wire.Text]():    func() *Schema { return &Schema{Type: "string"} },
		reflect.TypeFor[wire.Code]():    func() *Schema { return integer(0, math.MaxInt32) },
		reflect.TypeFor[wire.Flag]():    func() *Schema { return &Schema{Type: "integer", Enum: []any{0, 1}} },
		reflect.TypeFor[wire.Seconds](): func() *Schema { return integer(0, math.MaxUint32) },
		reflect.TypeFor[wire.Scalar]():  func() *Schema { return &Schema{Type: []string{"string", "integer"}} },
	}
}

// failure returns the schema of the response of a failed call.
func failure() *Schema {
	return &Schema{
		Type:        "object",
		Description: "A call that changed nothing.",
		Properties: Ordered[*Schema]{
			{"ActionStatus", &Schema{Const: wire.StatusFail, Description: "Absent in the codes from 130001 on."}},
			{"ErrorCode", &Schema{Type: "integer", Minimum: new(int64(1)), Description: "One of the codes at /docs/errors."}},
			{"ErrorInfo", &Schema{Type: "string", Description: "What is wrong."}},
			{"ErrorDisplay", &Schema{Type: "string", Description: "Empty; only profile commands have it."}},
		},
		Required: []string{"ErrorCode", "ErrorInfo"},
	}
}

// operation describes c.
func (c *command) operation(r *reflector) *Operation {
	request, answer := Media{Schema: r.of(reflect.TypeOf(c.Request))}, Media{}
	answer.Schema = &Schema{AnyOf: []*Schema{r.of(reflect.TypeOf(c.Response)), refer("Failure")}}
	for _, e := range c.examples {
		request.Examples = append(request.Examples, Member[Example]{e.name, Example{e.summary, jsontext.Value(e.body)}})
		answer.Examples = append(answer.Examples, Member[Example]{e.name, Example{e.summary, jsontext.Value(e.answer)}})
	}
	return &Operation{
		ID: c.Name, Tags: []string{c.Service}, Summary: c.Summary, Description: c.description(),
		Parameters:  c.references(),
		RequestBody: &Body{Required: true, Content: only("application/json", request)},
		Responses: only("200", &Response{
			Description: "The response, also of a failed call.",
			Headers:     c.headers(),
			Content:     only("application/json", answer),
		}),
	}
}

// description returns a longer text about c, with the limits of its calls.
func (c *command) description() string {
	limits := fmt.Sprintf("%d calls a second", c.Rate)
	if c.Batch > 0 {
		limits += fmt.Sprintf(", %d ids each", c.Batch)
	}
	return strings.TrimLeft(c.More+" "+limits+".", " ")
}

// references returns the parameters of c.
func (c *command) references() []Parameter {
	var ps []Parameter
	for _, p := range wireParameters() {
		if p.Value.In == "query" || c.Explains {
			ps = append(ps, Parameter{Ref: "#/components/parameters/" + p.Name})
		}
	}
	return ps
}

// wireParameters returns the parameters of all commands.
func wireParameters() Ordered[Parameter] {
	text := func() *Schema { return &Schema{Type: "string"} }
	return Ordered[Parameter]{
		{"sdkappid", Parameter{Name: "sdkappid", In: "query", Required: true, Schema: integer(1, math.MaxUint32), Example: 1400000001, Description: "The app."}},
		{"identifier", Parameter{Name: "identifier", In: "query", Required: true, Schema: text(), Example: "administrator", Description: "The admin of the app that makes the call."}},
		{"usersig", Parameter{Name: "usersig", In: "query", Required: true, Schema: text(), Example: "eJw…", Description: "A UserSig of the identifier."}},
		{"random", Parameter{Name: "random", In: "query", Schema: integer(0, math.MaxUint32), Example: 1, Description: "Any number; it is ignored."}},
		{"contenttype", Parameter{Name: "contenttype", In: "query", Schema: text(), Example: "json", Description: "Always json; it is ignored."}},
		{"explain", Parameter{Name: "Rollcall-Explain", In: "header", Schema: enum("1"), Description: "Ask for the reasons of items that fail; Rollcall's own."}},
	}
}

// headers returns the headers of the responses of c. All are Rollcall's own.
func (c *command) headers() Ordered[Header] {
	text := &Schema{Type: "string"}
	hs := Ordered[Header]{
		{"Rollcall-Request-Id", Header{"The id of the request in the server's log.", text}},
		{"Rollcall-Advice", Header{"What to do about a failure.", text}},
	}
	if c.Explains {
		hs = append(hs, Member[Header]{"Rollcall-Explain", Header{"On request: reasons of failed items, as \"index=code,…\".", text}})
	}
	return hs
}

// A refinement adds to the schema of a field what its Go type does not express.
type refinement struct {
	text     string
	most     int // characters of a text, or items of an array; 0 for no limit
	required bool
}

// refine applies refinements to the components. Their keys are "Schema.Field".
func (r *reflector) refine(fields map[string]refinement) {
	done := 0
	for _, m := range r.schemas {
		for _, p := range m.Value.Properties {
			f, ok := fields[m.Name+"."+p.Name]
			if !ok {
				continue
			}
			done++
			p.Value.refine(f)
		}
		if strings.HasSuffix(m.Name, "Request") || strings.HasSuffix(m.Name, "Item") {
			m.Value.requireOnly(m.Name, fields)
		}
	}
	if done != len(fields) {
		panic("a refinement is of a field that does not exist")
	}
}

func (s *Schema) refine(f refinement) {
	if f.text != "" {
		s.Description = f.text
	}
	switch {
	case s.Type == "array" && (f.required || f.most > 0):
		s.MinItems, s.MaxItems = 1, f.most
	case f.most > 0:
		s.MaxLength = f.most
	}
}

// requireOnly replaces the required fields of s, because the requests of the vendor have
// no struct tags that name them. For a pair of alternatives it requires one of the two.
func (s *Schema) requireOnly(name string, fields map[string]refinement) {
	s.Required = nil
	for _, p := range s.Properties {
		if fields[name+"."+p.Name].required {
			s.Required = append(s.Required, p.Name)
		}
	}
	for _, pair := range alternatives[name] {
		s.AnyOf = append(s.AnyOf, &Schema{Required: []string{pair}})
	}
}
