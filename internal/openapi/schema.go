package openapi

import (
	"cmp"
	"math"
	"reflect"
	"strings"
)

// A Schema describes a JSON value (JSON Schema 2020-12), or refers to a schema
// that does.
type Schema struct {
	Ref                  string           `json:"$ref,omitempty"`
	Description          string           `json:"description,omitempty"`
	Type                 any              `json:"type,omitempty"` // a text, or several
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
	AdditionalProperties any              `json:"additionalProperties,omitzero"` // a schema, or false
	AnyOf                []*Schema        `json:"anyOf,omitempty"`
}

// refer returns a reference to the component of a name.
func refer(name string) *Schema { return &Schema{Ref: "#/components/schemas/" + name} }

// enum returns the schema of texts that are one of values.
func enum[T ~string](values ...T) *Schema {
	s := &Schema{Type: "string"}
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	return s
}

// integer returns the schema of whole numbers between two.
func integer(least, most int64) *Schema {
	return &Schema{Type: "integer", Minimum: &least, Maximum: &most}
}

// A reflector makes schemas of Go types. Named structs become components.
type reflector struct {
	comments Comments
	known    map[reflect.Type]func() *Schema // types that do not speak for themselves
	texts    map[string]func() *Schema       // texts that a tag schema names
	schemas  Ordered[*Schema]
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
	panic("no schema for " + t.String()) // a type that the APIs did not have
}

// ofStruct returns a reference to the component that t is. The vendor's requests
// wrap their values: a field of type List is an array, one of Object an object.
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

// ofField returns the schema of a field. A tag schema names that of its texts.
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

// addFields gives s the fields of t, those of embedded structs among them.
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
