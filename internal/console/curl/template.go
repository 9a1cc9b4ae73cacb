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
	Token  string            `json:"token"` // name of the variable of the shell
}

// Template returns what the script curl.js needs to make the line of a form.
func Template(server string, r admin.Request) string {
	query := map[string]string{}
	for name, value := range r.Query {
		if value != "" {
			query[name] = value
		}
	}
	b, _ := json.Marshal(template{admin.RouteByID(r.Route).Method, server, r.Path(), query, TokenVariable}) // texts always encode
	return string(b)
}
