package server

import (
	"context"
	"net/http"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/api"
	"rollcall/internal/ratelimit/redislimit"
	"rollcall/internal/store/open"
)

// newAdmin builds the admin API.
func (s *Server) newAdmin() *admin.Server {
	o := admin.Options{
		Directory: s.dir, Imports: s.imports, Figures: s.figures, Webhooks: s.webhooks, Logger: s.o.Logger, Version: s.o.Version, Store: open.Kind(s.o.Store), Hosts: s.o.AdminHost,
		Settings: s.settings, SigAnswer: api.SigAnswer, Calls: s.calls, Faults: s.faults, Rates: s.rates, Vendor: s.vendorHandler(),
		Observer: s.metrics.Request, BackedUp: s.metrics.BackupMade,
		InFlight: s.inFlight.Len, Stopping: func() bool { return closed(s.drain.begun) },
		VerifyBackup: func(ctx context.Context, dir string) (*account.Contents, error) { return open.Verify(ctx, dir, "") },
	}
	if s.backups != nil {
		o.Backups = adminBackups{s.backups}
	}
	if s.disk != nil {
		o.Disk = func() (used, free uint64, err error) {
			u, err := s.disk()
			return u.Used, u.Free, err
		}
	}
	return admin.New(o)
}

// settings returns the settings as the admin API shows them.
func (s *Server) settings() []adminapi.ServerSetting {
	all := *s.effective.Load()
	shown := make([]adminapi.ServerSetting, len(all))
	for i, e := range all {
		shown[i] = adminapi.ServerSetting{Key: e.Key, Value: e.Value, Default: e.Default, Source: e.Origin, Place: e.Place, Takes: e.Takes, Description: e.Help}
	}
	return shown
}

// Redact returns the value of a setting without the password of a URL.
func Redact(value string) string { return redislimit.Redact(open.Redact(value)) }

// directOnly serves h and refuses requests that a proxy has forwarded. A developer's
// server is for its own machine, and behind a proxy every caller seems to be on it.
func (s *Server) directOnly(h http.Handler) http.Handler {
	refuse := s.adapt(s.admin.RefuseForwarded)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forwarded(r.Header) {
			refuse.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// forwarded reports whether a header says that a proxy has forwarded the request. It
// cannot detect a proxy that sends no such header, such as nginx by default.
func forwarded(h http.Header) bool {
	for name := range h {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}
