package admin

import (
	"net/http"
	"strings"

	"rollcall/internal/account"
)

// errUnauthorized is the same for a missing, an unknown and an expired token.
var errUnauthorized = &problemError{slug: unauthorized, detail: "no token was sent, or it is unknown or has expired"}

// authenticate returns the bearer token of r (RFC 6750, section 2.1).
func (s *Server) authenticate(r *http.Request) (*account.Token, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return nil, errUnauthorized
	}
	scheme, text, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || text == "" {
		return nil, errUnauthorized
	}
	t, err := s.dir.Authenticate(r.Context(), text)
	if account.CodeOf(err) == account.NoToken {
		return nil, errUnauthorized
	}
	return t, err
}
