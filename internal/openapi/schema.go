package openapi

import (
	"cmp"
	"math"
	"reflect"
	"strings"
)

// A Schema describes a JSON value (JSON Schema 2020-12), or refers to another schema.
type Schema struct {
	Ref                  string           `json:"$ref,omitempty"`
	Description          string           `json:"description,omitempty"`
	Type                 any              `json:"type,omitempty"` // a string or a []string
	Format               string           `json:"format,omitempty"`
	Const                any              `json:"const,omitempty"`
	Enum                 []any            `json:"enum,omitempty"`
	Minimum              *int64           `json:"minimum,omitempty"`
	Maximum              *int64           `json:"maximum,omitempty"`
	MinLength            int              `json:"minLength,omitzero"`
	MaxLength            int              `json:"maxLength,omitzero"`
	MinItems             int              `json:"minItems,omitzero"`
	MaxItems             int              `json:"maxItems,omitzero"`
	Items                *Schema          `json:"items,omitempty"`
	Properties           Ordered[*Schema] `json:"properties,omitempty"`
	Required             []string         `json:"required,omitempty"`
	AdditionalProperties any              `json:"additionalProperties,omitzero"` // a *Schema or false
	AnyOf                []*Schema        `json:"anyOf,omitempty"`
}

// refer returns a reference to the component with a name.
func refer(name string) *Schema { return &Schema{Ref: "#/components/schemas/" + name} }

// enum returns the schema of a text that is one of values.
func enum[T ~string](values ...T) *Schema {
	s := &Schema{Type: "string"}
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	return s
}

// integer returns the schema of a whole number from least to most.
func integer(least, most int64) *Schema {
	return &Schema{Type: "integer", Minimum: &least, Maximum: &most}
}

// A reflector builds schemas from Go types. Named structs become components.
type reflector struct {
	comments Comments
	known    map[reflect.Type]func() *Schema // schemas of types that reflection cannot describe
	texts    map[string]func() *Schema       // schemas of texts, by their name in the struct tag schema
	schemas  Ordered[*Schema]                // the components
}

// of returns the schema of t.
func (r *reflector) of(t reflect.Type) *Schema {
	if known, ok := r.known[t]; ok {
		return known()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return r.of(t.Elem())
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.String:
		return &Schema{Type: "string"}
	case reflect.Int, reflect.Int64:
		return &Schema{Type: "integer", Format: "int64"}
	case reflect.Float64:
		return &Schema{Type: "number"}
	case reflect.Uint32:
		return integer(0, math.MaxUint32)
	case reflect.Uint64:
		return &Schema{Type: "integer", Minimum: new(int64)}
	case reflect.Slice:
		return &Schema{Type: "array", Items: r.of(t.Elem())}
	case reflect.Map:
		return &Schema{Type: "object", AdditionalProperties: r.of(t.Elem())}
	case reflect.Struct:
		return r.ofStruct(t)
	}
	panic("no schema for " + t.String()) // the type is new in an API
}

// ofStruct returns a reference to the component of t. Requests of the vendor wrap their
// values: a List is an array, and an Object is an object.
func (r *reflector) ofStruct(t reflect.Type) *Schema {
	switch {
	case strings.HasPrefix(t.Name(), "List["):
		return &Schema{Type: "array", Items: r.of(t.Field(0).Type.Elem())}
	case strings.HasPrefix(t.Name(), "Object["):
		return r.of(t.Field(0).Type)
	}
	if _, ok := r.schemas.Get(t.Name()); !ok {
		s := &Schema{Type: "object", Description: r.comments.of(t, "")}
		r.schemas = append(r.schemas, Member[*Schema]{t.Name(), s})
		r.addFields(s, t)
	}
	return refer(t.Name())
}

// ofField returns the schema of a field. The struct tag schema names the schema of its
// text or texts.
func (r *reflector) ofField(f reflect.StructField) *Schema {
	text, ok := r.texts[f.Tag.Get("schema")]
	switch {
	case !ok:
		return r.of(f.Type)
	case f.Type.Kind() == reflect.Slice:
		return &Schema{Type: "array", Items: text()}
	}
	return text()
}

// addFields adds the fields of t to s, including the fields of embedded structs.
func (r *reflector) addFields(s *Schema, t reflect.Type) {
	for f := range t.Fields() {
		if f.Anonymous {
			r.addFields(s, f.Type)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		name = cmp.Or(name, f.Name)
		if name == "-" {
			continue
		}
		property := r.ofField(f)
		property.Description = cmp.Or(r.comments.of(t, f.Name), property.Description)
		s.Properties = append(s.Properties, Member[*Schema]{name, property})
		if !strings.Contains(options, "omit") {
			s.Required = append(s.Required, name)
		}
	}
}
