package server

import (
	"net/http"

	"rollcall/internal/console"
	consolelink "rollcall/internal/console/link"
)

// openConsole builds the console. The context of a developer's server has the token of the
// links that log in.
func (s *Server) openConsole() {
	if s.context != nil && s.context.AdminToken != "" {
		s.links = consolelink.New(s.context.AdminToken)
	}
	s.console = console.New(console.Options{Directory: s.dir, Admin: s.admin, Links: s.links})
}

// serveConsole serves the paths of the console.
func (s *Server) serveConsole(w http.ResponseWriter, r *http.Request) error {
	return s.console.Handle(w, r)
}

// ConsoleLink returns an address that logs in to the console once, or "" if s is no
// developer's server.
func (s *Server) ConsoleLink() string {
	if s.links == nil {
		return ""
	}
	return s.context.URL + console.Prefix + "/login?code=" + s.links.Code()
}
