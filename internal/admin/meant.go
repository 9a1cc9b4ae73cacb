package admin

import (
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/spelling"
)

// memberMeant returns the member of t that is nearest to the last name of a JSON
// pointer, or "" if none is near. The pointer is relative to a t.
func memberMeant(t reflect.Type, at jsontext.Pointer) (meant string) {
	for token := range at.Parent().Tokens() {
		t = memberTypes(t)[token]
	}
	name, best := strings.ToLower(at.LastToken()), 3 // a distance of 3 is too far
	for member := range memberTypes(t) {
		if len(name) >= 2*len(member) { // a long name would make Distance slow
			continue
		}
		d := spelling.Distance(name, member)
		if 3*d <= len(member) && (d < best || d == best && member < meant) {
			meant, best = member, d
		}
	}
	return meant
}

// memberTypes returns the JSON members of t with their types.
func memberTypes(t reflect.Type) map[string]reflect.Type {
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	all := map[string]reflect.Type{}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			all[name] = field.Type
		}
	}
	return all
}
