package openapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Document is an OpenAPI document. It and the types below have only the members that
// the documents of this package use.
type Document struct {
	OpenAPI    string            `json:"openapi"`
	Info       Info              `json:"info"`
	Servers    []Server          `json:"servers"`
	Security   []Requirement     `json:"security,omitempty"`
	Tags       []Tag             `json:"tags"`
	Paths      Ordered[PathItem] `json:"paths"`
	Components Components        `json:"components"`
}

// Info is the title, the version and the description of an API.
type Info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

// A Server is an address of an API, relative to that of the document.
type Server struct {
	URL string `json:"url"`
}

// A Requirement names a security scheme and its scopes.
type Requirement map[string][]string

// A Tag is a group of operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// A PathItem contains the operations of a path, by method in lower case.
type PathItem = Ordered[*Operation]

// An Operation is one method of one path.
type Operation struct {
	ID          string             `json:"operationId"`
	Tags        []string           `json:"tags"`
	Summary     string             `json:"summary"`
	Description string             `json:"description,omitempty"`
	Parameters  []Parameter        `json:"parameters,omitempty"`
	RequestBody *Body              `json:"requestBody,omitempty"`
	Responses   Ordered[*Response] `json:"responses"`
}

// A Parameter is a part of a request outside its body, or a reference to one.
type Parameter struct {
	Ref         string  `json:"$ref,omitempty"`
	Name        string  `json:"name,omitempty"`
	In          string  `json:"in,omitempty"`
	Description string  `json:"description,omitempty"`
	Required    bool    `json:"required,omitzero"`
	Schema      *Schema `json:"schema,omitempty"`
	Example     any     `json:"example,omitempty"`
}

// A Body is the body of a request.
type Body struct {
	Description string         `json:"description,omitempty"`
	Required    bool           `json:"required,omitzero"`
	Content     Ordered[Media] `json:"content"`
}

// A Response is a response, or a reference to one.
type Response struct {
	Ref         string          `json:"$ref,omitempty"`
	Description string          `json:"description,omitempty"`
	Headers     Ordered[Header] `json:"headers,omitempty"`
	Content     Ordered[Media]  `json:"content,omitempty"`
}

// A Header is a header of a response.
type Header struct {
	Description string  `json:"description"`
	Schema      *Schema `json:"schema"`
}

// Media is a body of one content type.
type Media struct {
	Schema   *Schema          `json:"schema"`
	Examples Ordered[Example] `json:"examples,omitempty"`
}

// An Example is one body.
type Example struct {
	Summary string         `json:"summary,omitempty"`
	Value   jsontext.Value `json:"value"`
}

// Components contains the objects to which a document refers.
type Components struct {
	Schemas         Ordered[*Schema]        `json:"schemas"`
	Parameters      Ordered[Parameter]      `json:"parameters,omitempty"`
	Responses       Ordered[*Response]      `json:"responses,omitempty"`
	SecuritySchemes Ordered[SecurityScheme] `json:"securitySchemes,omitempty"`
}

// A SecurityScheme is a way to authenticate a call.
type SecurityScheme struct {
	Type        string `json:"type"`
	Scheme      string `json:"scheme"`
	Description string `json:"description"`
}

// Ordered is a JSON object whose members have an order.
type Ordered[T any] []Member[T]

// A Member is a member of an object.
type Member[T any] struct {
	Name  string
	Value T
}

// Get returns the value of the member with a name.
func (o Ordered[T]) Get(name string) (value T, ok bool) {
	for _, m := range o {
		if m.Name == name {
			return m.Value, true
		}
	}
	return value, false
}

// MarshalJSONTo implements [json.MarshalerTo].
func (o Ordered[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, m := range o {
		if err := enc.WriteToken(jsontext.String(m.Name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, m.Value); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// Encode returns d as indented JSON.
func (d *Document) Encode() ([]byte, error) {
	b, err := json.Marshal(d, jsontext.WithIndent("  "), json.Deterministic(true))
	return append(b, '\n'), err
}

// only returns an object with one member.
func only[T any](name string, value T) Ordered[T] { return Ordered[T]{{name, value}} }
