package server

import (
	"fmt"
	"strings"

	"rollcall/internal/wire"
)

// about returns the text at "/". It lists the paths of the server, and those of the
// admin API only where admins is true.
func about(version string, admins bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Rollcall %s: the account service of Tencent Cloud Chat and Live, self-hosted.\n\n", version)
	for commands := wire.Commands; len(commands) > 0; {
		var names []string
		service := commands[0].Service
		for len(commands) > 0 && commands[0].Service == service {
			names, commands = append(names, commands[0].Name), commands[1:]
		}
		fmt.Fprintf(&b, "  POST %s%s/{%s}\n", wire.Prefix, service, strings.Join(names, ","))
	}
	b.WriteString(`  GET  /healthz   the process is alive
  GET  /readyz    writes are taken
`)
	if admins {
		b.WriteString(`  GET  /admin/v1  the admin API, with a bearer token
  GET  /console   the console, for people
  GET  /docs/errors, /openapi/wire.json, /openapi/admin.json
  GET  /metrics   for Prometheus
`)
	}
	return b.String()
}
