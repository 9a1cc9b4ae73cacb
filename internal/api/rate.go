package api

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
	"rollcall/internal/ratelimit"
	"rollcall/internal/wire"
)

// Header names in canonical form, in which looking them up does not allocate,
// and a header value that all responses share.
var (
	explainHeader = http.CanonicalHeaderKey("Rollcall-Explain")

	rateHeader = http.CanonicalHeaderKey("Rollcall-RateLimit")
	overHeader = http.CanonicalHeaderKey("Rollcall-RateLimit-Over")
	inShadow   = []string{"shadow"}
)

// asked reports whether the client set the header with that canonical name to
// 1.
func asked(r *http.Request, header string) bool {
	values := r.Header[header]
	return len(values) > 0 && values[0] == "1"
}

// rate counts the call for the limit of its command and for the ceiling of its
// app. It refuses the call if it is over one of them and the app enforces
// limits.
func (s *Server) rate(h http.Header, r *http.Request, c *call) error {
	set := &c.app.Settings
	if set.RateMode == account.RateOff {
		return nil
	}
	limit := c.Rate
	if n, ok := set.RateLimits[c.Name]; ok {
		limit = n
	}
	now := s.now()
	count := s.limits.Take
	if set.RateMode == account.RateShadow {
		count = s.limits.TakeLater
	}
	d := count(ratelimit.Call{App: uint32(c.app.ID), Command: c.Name, Limit: limit, Ceiling: set.AppRateLimit}, now)
	if asked(r, rateHeader) {
		showRate(h, d.Command)
	}
	if s.near != nil {
		s.near(c.app.ID, account.RateAlert{Service: c.Service, Command: c.Name, Requests: d.Command.Total, Limit: int64(d.Command.Limit)}, now)
	}
	if d.Command.Over {
		return s.over(h, c, over{wire.CommandRate, c.Name, d.Command.Limit, now})
	}
	if d.App.Over {
		return s.over(h, c, over{wire.AppRate, "", d.App.Limit, now})
	}
	return nil
}

// An over says which limit a call is over.
type over struct {
	code    wire.Code
	command string // "" for the ceiling of the app
	limit   int
	now     time.Time
}

// over refuses a call that is over a limit. If the app's limits are in shadow
// mode, it only flags and reports the call.
func (s *Server) over(h http.Header, c *call, o over) error {
	if c.app.Settings.RateMode == account.RateShadow {
		h[overHeader] = inShadow
		c.shadow = o.code
		c.event.Add(slog.Int(httpx.ShadowAttr, int(o.code)))
		if s.rates != nil {
			s.rates.Add(ratelimit.Key{App: uint32(c.app.ID), Command: o.command}, o.limit, o.now)
		}
		return nil
	}
	return &wire.Error{Code: o.code}
}

func showRate(h http.Header, d ratelimit.Decision) {
	h.Set("Rollcall-RateLimit-Limit", strconv.Itoa(d.Limit))
	h.Set("Rollcall-RateLimit-Remaining", strconv.Itoa(d.Remaining))
	h.Set("Rollcall-RateLimit-Reset", strconv.FormatFloat(d.Reset.Seconds(), 'f', 3, 64))
}
