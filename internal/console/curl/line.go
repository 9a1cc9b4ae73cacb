package curl

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/console/snippet"
)

// TokenVariable is the variable of the shell that has the token in the lines of [Line].
const TokenVariable = "ROLLCALL_ADMIN_TOKEN"

// Line returns the line for a shell that makes the request r with curl, to the server at
// an address as http://127.0.0.1:8080. The token is read from [TokenVariable].
func Line(server string, r admin.Request) string {
	route := admin.RouteByID(r.Route)
	args := []string{"curl"}
	if route.Method != http.MethodGet {
		args = append(args, "-X", route.Method)
	}
	args = append(args, "-H", `"Authorization: Bearer $`+TokenVariable+`"`)
	for _, name := range slices.Sorted(maps.Keys(given(r.Header))) {
		args = append(args, "-H", snippet.Shell(name+": "+r.Header[name]))
	}
	switch body, err := r.Encoded(); {
	case err == nil && body != nil:
		args = append(args, "-d", snippet.Shell(string(body)))
	case isStream(r.Body):
		args = append(args, "--data-binary", "@FILE")
	}
	return strings.Join(append(args, snippet.Shell(server+r.Target())), " ")
}

func isStream(body any) bool { _, ok := body.(io.Reader); return ok }
