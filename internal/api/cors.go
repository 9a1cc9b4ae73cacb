package api

import (
	"net/http"

	"rollcall/internal/account"
)

// cors reports whether pages of other origins may call app.
func (s *Server) cors(app *account.App) bool { return app.Settings.CORS && s.dir.MayFalsify(app) }

// preflight answers the pre-flight request of a browser before a call (fetch.spec.whatwg.org,
// "CORS-preflight fetch") if the app of the call allows it. Otherwise it returns false, and
// the request is refused like any other method.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request, c *call) bool {
	if len(r.Header["Access-Control-Request-Method"]) == 0 || s.endpoint(r) == nil {
		return false
	}
	q, err := parseQuery(r.URL.RawQuery, &c.query)
	if err != nil {
		return false
	}
	app, err := s.app(r.Context(), q)
	if err != nil || !s.cors(app) {
		return false
	}
	c.event.SetCommand("preflight")
	c.event.SetPath(r.URL.Path)
	c.event.SetApp(uint32(app.ID))
	h := w.Header()
	delete(h, "Content-Type")
	if headers := r.Header["Access-Control-Request-Headers"]; len(headers) > 0 {
		h["Access-Control-Allow-Headers"] = headers
	}
	h["Access-Control-Max-Age"] = []string{"600"}
	h["Vary"] = []string{"Access-Control-Request-Headers"}
	w.WriteHeader(http.StatusNoContent)
	return true
}
