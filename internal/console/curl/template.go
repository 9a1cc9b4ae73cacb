package curl

import (
	"encoding/json"

	"rollcall/internal/admin"
)

// A template is what a script needs to make the line of a form whose fields change.
type template struct {
	Method string            `json:"method"`
	Server string            `json:"server"`
	Path   string            `json:"path"` // with {name} for what fields contain
	Query  map[string]string `json:"query"`
	Header map[string]string `json:"header"`
	Token  string            `json:"token"` // name of the variable of the shell
}

// Template returns what the script curl.js needs to make the line of a form.
func Template(server string, r admin.Request) string {
	b, _ := json.Marshal(template{admin.RouteByID(r.Route).Method, server, r.Path(), given(r.Query), given(r.Header), TokenVariable}) // texts always encode
	return string(b)
}

// given returns the members of m that are not empty.
func given(m map[string]string) map[string]string {
	g := map[string]string{}
	for name, value := range m {
		if value != "" {
			g[name] = value
		}
	}
	return g
}
