package openapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/faults"
	"rollcall/internal/figures"
	"rollcall/internal/wire"
)

const aboutAdmin = `Operations for which the vendor's protocol has no command: apps, their keys and admins; accounts without a UserSig, with an audit entry for each change; tokens, the audit trail, and backups.

Every call needs a token with the scope that the operation names, as ` + "`Authorization: Bearer rct_…`" + `. The scope write includes read, and admin includes both. Errors are problem documents (RFC 9457) whose ` + "`code`" + ` is one of [these](/docs/errors). Unknown members and parameters are errors.`

// adminTags are groups of operations.
var adminTags = []Tag{
	{"apps", "Apps, their keys and admins."},
	{"accounts", "Look at accounts and change them, without a UserSig; every change has an audit entry."},
	{"imports", "Import accounts in bulk."},
	{"tokens", "Tokens of this API."},
	{"audit", "Who changed what."},
	{"calls", "What was called, and why it failed."},
	{"faults", "Calls of test apps that fail on purpose."},
	{"upkeep", "Copies of the store, and how secrets are kept in it."},
	{"server", "The server itself."},
}

// groups maps parts of paths to the tags of their operations. The first part that a path
// contains decides.
var groups = []struct{ part, tag string }{
	{"/imports", "imports"},
	{"/accounts:import", "imports"},
	{"/accounts", "accounts"},
	{"/keys:reseal", "upkeep"},
	{"/backup", "upkeep"},
	{"/requests", "calls"},
	{"/rate-report", "calls"},
	{"/figures", "calls"},
	{"/faults", "faults"},
	{"/tokens", "tokens"},
	{"/audit", "audit"},
	{"/apps", "apps"},
	{"", "server"},
}

// Admin describes the admin API.
func Admin(comments Comments) *Document {
	r := &reflector{comments: comments, known: adminTypes(), texts: adminTexts}
	d := &Document{
		OpenAPI:  "3.1.0",
		Info:     Info{"Admin API", "v1", aboutAdmin},
		Servers:  []Server{{"/"}},
		Security: []Requirement{{"token": {}}},
		Tags:     adminTags,
	}
	examples := AdminExamples()
	for _, route := range admin.Routes() {
		i := slices.IndexFunc(examples, func(e AdminExample) bool { return e.ID == route.ID })
		d.add(&route, adminOperation(r, &route, &examples[i]))
	}
	r.of(reflect.TypeFor[admin.Problem]())
	d.Components = Components{
		Schemas: r.schemas,
		Responses: only("Problem", &Response{
			Description: "The call was refused or failed, and changed nothing.",
			Content:     only("application/problem+json", Media{Schema: refer("Problem")}),
		}),
		SecuritySchemes: only("token", SecurityScheme{"http", "bearer", "A token of the admin API, rct_ and 43 characters."}),
	}
	return d
}

// add adds an operation under the path of its route.
func (d *Document) add(route *admin.Route, o *Operation) {
	method := strings.ToLower(route.Method)
	for i := range d.Paths {
		if d.Paths[i].Name == route.Path {
			d.Paths[i].Value = append(d.Paths[i].Value, Member[*Operation]{method, o})
			return
		}
	}
	d.Paths = append(d.Paths, Member[PathItem]{route.Path, only(method, o)})
}

// adminTypes returns the schemas of types whose Go type does not describe their JSON.
func adminTypes() map[reflect.Type]func() *Schema {
	return map[reflect.Type]func() *Schema{
		reflect.TypeFor[time.Time]():              func() *Schema { return &Schema{Type: "string", Format: "date-time"} },
		reflect.TypeFor[netip.Prefix]():           func() *Schema { return &Schema{Type: "string"} },
		reflect.TypeFor[netip.Addr]():             func() *Schema { return &Schema{Type: "string"} },
		reflect.TypeFor[json.RawMessage]():        func() *Schema { return &Schema{Type: []string{"string", "integer"}} },
		reflect.TypeFor[jsontext.Value]():         func() *Schema { return new(Schema) },
		reflect.TypeFor[adminapi.SettingsPatch](): func() *Schema { return &Schema{Type: "object"} },
		reflect.TypeFor[adminapi.ProfileValues](): func() *Schema {
			return &Schema{Type: "object", AdditionalProperties: &Schema{Type: []string{"string", "integer", "null"}}}
		},
		reflect.TypeFor[account.RateMode](): func() *Schema { return enum(account.RateEnforce, account.RateShadow, account.RateOff) },
	}
}

// adminTexts contains the schemas of texts, by their name in the struct tag schema.
var adminTexts = map[string]func() *Schema{
	"edition": func() *Schema { return enum(account.Editions()...) },
	"scope":   func() *Schema { return enum(account.Scopes()...) },
	"kind":    func() *Schema { return enum(account.HMACKey, account.ECDSAKey) },
	"command": func() *Schema { return enum(wire.CommandNames()...) },
	"cutting": func() *Schema { return enum(faults.CutBefore, faults.CutMiddle) },
	"importstate": func() *Schema {
		return enum(adminapi.ImportOpen, adminapi.ImportQueued, adminapi.ImportRunning, adminapi.ImportPaused, adminapi.ImportDone, adminapi.ImportFailed, adminapi.ImportCanceled)
	},
	"userid": func() *Schema { return &Schema{Type: "string", MinLength: 1, MaxLength: account.MaxUserIDBytes} },
}

func adminOperation(r *reflector, route *admin.Route, e *AdminExample) *Operation {
	o := &Operation{
		ID: route.ID, Tags: []string{group(route.Path)}, Summary: route.Summary,
		Description: "Scope: " + string(route.Scope) + ".",
		Parameters:  adminParameters(route, e),
	}
	if route.Request != nil {
		media := Media{Schema: r.of(route.Request)}
		r.refuseUnknown(route.Request)
		if e.Body != "" {
			media.Examples = only("example", Example{Value: jsontext.Value(e.Body)})
		}
		o.RequestBody = &Body{Required: e.Body != "", Content: only("application/json", media)}
	}
	if route.Body != "" {
		o.RequestBody = &Body{Required: true, Content: only(route.Body, Media{
			Schema:   &Schema{Type: "string"},
			Examples: only("example", Example{Value: text(e.Body)}),
		})}
	}
	answer := &Response{Description: http.StatusText(route.Status)}
	if route.Response != nil {
		mediaType := "application/json"
		if route.Lines {
			mediaType = adminapi.NDJSON
		}
		answer.Content = only(mediaType, Media{
			Schema:   r.of(route.Response),
			Examples: only("example", Example{Value: jsontext.Value(e.Answer)}),
		})
	}
	o.Responses = Ordered[*Response]{{strconv.Itoa(route.Status), answer}, {"default", &Response{Ref: "#/components/responses/Problem"}}}
	return o
}

// text returns the JSON of a text.
func text(s string) jsontext.Value {
	v, _ := jsontext.AppendQuote(nil, s) // examples are UTF-8
	return v
}

func group(path string) string {
	for _, g := range groups {
		if strings.Contains(path, g.part) {
			return g.tag
		}
	}
	return "" // the last row fits all
}

// refuseUnknown adds to the schema of the request t that it has no further members.
func (r *reflector) refuseUnknown(t reflect.Type) {
	s, _ := r.schemas.Get(t.Name())
	s.AdditionalProperties = false
}

// pathParameters describes the parameters in paths.
var pathParameters = map[string]Parameter{
	"sdkappid": {Description: "The app.", Schema: integer(1, 1<<32-1)},
	"userid":   {Description: "The account.", Schema: &Schema{Type: "string", MinLength: 1, MaxLength: account.MaxUserIDBytes}},
	"id":       {Description: "The id in the list.", Schema: &Schema{Type: "string", MinLength: 1}},
	"key":      {Description: "The key of the import.", Schema: &Schema{Type: "string", MinLength: 1, MaxLength: 64}},
	"name":     {Description: "The name of the snapshot.", Schema: &Schema{Type: "string", MinLength: 1, MaxLength: account.MaxSnapshotName}},
}

// adminParameters returns the parameters of a route, with the example's values.
func adminParameters(route *admin.Route, e *AdminExample) []Parameter {
	var ps []Parameter
	for segment := range strings.SplitSeq(route.Path, "/") {
		name, ok := strings.CutPrefix(segment, "{")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, "}")
		p := pathParameters[name]
		p.Name, p.In, p.Required, p.Example = name, "path", true, e.value(name)
		ps = append(ps, p)
	}
	for _, q := range route.Query {
		ps = append(ps, Parameter{
			Name: q.Name, In: "query", Required: q.Required, Description: q.Summary,
			Schema: querySchema(q.Name), Example: e.value(q.Name),
		})
	}
	for _, h := range route.Headers {
		ps = append(ps, Parameter{Name: h.Name, In: "header", Required: h.Required, Description: h.Summary, Schema: &Schema{Type: "string"}, Example: e.value(h.Name)})
	}
	return ps
}

// querySchema returns the schema of a parameter of the query.
func querySchema(name string) *Schema {
	switch name {
	case "limit":
		return integer(1, account.MaxListLimit)
	case "sdkappid":
		return integer(1, 1<<32-1)
	case "from":
		return integer(1, 1<<53)
	case "code", "after", "wait":
		return integer(0, 1<<53-1)
	case "bodies", "deleted", "details":
		return &Schema{Type: "boolean"}
	case "last":
		s := &Schema{Type: "string"}
		for _, span := range figures.Spans() {
			s.Enum = append(s.Enum, span.Name)
		}
		return s
	}
	return &Schema{Type: "string"}
}

// value returns the example of a parameter, or nil. It returns a numeric text as a number.
func (e *AdminExample) value(name string) any {
	text := cmp.Or(e.Path[name], e.Query[name])
	if text == "" {
		return nil
	}
	if n, err := strconv.ParseUint(text, 10, 32); err == nil && name != "id" {
		return n
	}
	return text
}
