package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/docs"
)

// A command is a command of the vendor as the OpenAPI document describes it.
type command struct {
	name       string
	properties []property // of the body of its request, in their order
	examples   []example
}

// A property is a member of the body of a request.
type property struct {
	name  string
	kind  string   // string, integer, or array
	enum  []string // allowed values, if there are only a few
	texts bool     // an array of texts
}

// An example is the body of a request.
type example struct {
	name  string
	value jsontext.Value
}

// commands returns all commands in the order of the document. The first call reads it.
var commands = sync.OnceValue(func() []command {
	var d document
	if err := json.Unmarshal(docs.Wire, &d); err != nil {
		panic(fmt.Sprintf("console: openapi/wire.json: %v", err)) // it is embedded, and a test reads it
	}
	var all []command
	for _, path := range members(d.Paths) {
		var item struct{ Post operation }
		decode(path.value, &item)
		media := item.Post.RequestBody.Content["application/json"]
		c := command{name: path.name[strings.LastIndex(path.name, "/")+1:]}
		schema := d.Components.Schemas[strings.TrimPrefix(media.Schema.Ref, "#/components/schemas/")]
		for _, m := range members(schema.Properties) {
			c.properties = append(c.properties, newProperty(m))
		}
		for _, m := range members(media.Examples) {
			var e struct{ Value json.RawMessage }
			decode(m.value, &e)
			c.examples = append(c.examples, example{m.name, jsontext.Value(e.Value)})
		}
		all = append(all, c)
	}
	return all
})

// commandNamed returns a command, or the first one if there is none of that name.
func commandNamed(name string) *command {
	all := commands()
	return &all[max(0, slices.IndexFunc(all, func(c command) bool { return c.name == name }))]
}

// A document is what the console needs of an OpenAPI document.
type document struct {
	Paths      json.RawMessage
	Components struct {
		Schemas map[string]struct{ Properties json.RawMessage }
	}
}

type operation struct {
	RequestBody struct {
		Content map[string]struct {
			Schema struct {
				Ref string `json:"$ref"`
			}
			Examples json.RawMessage
		}
	}
}

// newProperty reads the schema of a property.
func newProperty(m member) property {
	var s struct {
		Type  string
		Enum  []json.RawMessage
		Items struct{ Type string }
	}
	decode(m.value, &s)
	p := property{name: m.name, kind: s.Type, texts: s.Items.Type == "string"}
	for _, v := range s.Enum {
		p.enum = append(p.enum, string(v))
	}
	return p
}

// A member is a member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members returns the members of a JSON object in their order.
func members(object []byte) (all []member) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return all
		}
		m := member{name: fmt.Sprint(name)}
		if d.Decode(&m.value) != nil {
			return all
		}
		all = append(all, m)
	}
	return all
}

// decode decodes a part of the document.
func decode(data []byte, v any) {
	if err := json.Unmarshal(data, v); err != nil {
		panic(fmt.Sprintf("console: openapi/wire.json: %v", err)) // it is embedded, and a test reads it
	}
}
