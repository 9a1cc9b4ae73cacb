package wire

import (
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// commandsWithKey returns the names of the commands that have the key anywhere
// in their bodies.
func commandsWithKey(key string) (names []string) {
	for _, c := range Commands {
		if hasKey(reflect.TypeOf(c.Request), key) {
			names = append(names, c.Name)
		}
	}
	return names
}

// hasKey reports whether t, or a type that it contains, has a field with the
// name key.
func hasKey(t reflect.Type, key string) bool {
	fields := fieldsOf(t)
	return slices.Contains(fields, key) || slices.ContainsFunc(fields, func(name string) bool {
		field, _ := t.FieldByName(name)
		return hasKey(content(field.Type), key)
	})
}

// fieldsOf returns the names of the keys that are decoded into t. The type t
// may be nil.
func fieldsOf(t reflect.Type) (names []string) {
	if t == nil || t.Kind() != reflect.Struct || t.PkgPath() == "" || isLeaf(t) {
		return nil
	}
	for field := range t.Fields() {
		names = append(names, field.Name)
	}
	return names
}

// isLeaf reports whether t is a single JSON value without parts.
func isLeaf(t reflect.Type) bool {
	return t == reflect.TypeFor[Text]() || t == reflect.TypeFor[Scalar]() || t == reflect.TypeFor[Seconds]()
}

// content returns the type inside a field: that of the items of a list, or that
// of the members of an object.
func content(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Struct && !isLeaf(t) {
		v, ok := t.FieldByName("V")
		if !ok {
			break
		}
		if t = v.Type; t.Kind() == reflect.Slice {
			t = t.Elem()
		}
	}
	return t
}

// typeAt returns the type that the value at a pointer is decoded into, or nil
// if there is none.
func typeAt(t reflect.Type, at jsontext.Pointer) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for token := range at.Tokens() {
		if t.Kind() != reflect.Struct || isLeaf(t) {
			return nil
		}
		field, ok := t.FieldByName(token)
		if ok {
			t = content(field.Type)
		} // otherwise token is an index, and t is the type of the items
	}
	return t
}

// firstList returns the name of the first field of req that is an array, or "".
func firstList(req any) string {
	t := reflect.TypeOf(req)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for field := range t.Fields() {
		if field.Type.Kind() != reflect.Struct {
			continue
		}
		if v, ok := field.Type.FieldByName("V"); ok && v.Type.Kind() == reflect.Slice {
			return field.Name
		}
	}
	return ""
}
