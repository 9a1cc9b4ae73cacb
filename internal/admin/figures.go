package admin

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/figures"
)

// readFigures serves the figures of all apps.
func (s *Server) readFigures(ctx context.Context, c *call) (adminapi.Figures, error) {
	return s.figuresOf(ctx, c, 0)
}

func (s *Server) readAppFigures(ctx context.Context, c *call) (adminapi.Figures, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.Figures{}, err
	}
	if _, err := s.dir.App(ctx, id); err != nil {
		return adminapi.Figures{}, err
	}
	return s.figuresOf(ctx, c, id)
}

// readFigureDays serves the figures of an app by day.
func (s *Server) readFigureDays(ctx context.Context, c *call) (adminapi.FigureDays, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.FigureDays{}, err
	}
	app, err := s.dir.App(ctx, id)
	if err != nil {
		return adminapi.FigureDays{}, err
	}
	days, err := s.o.Figures.ReadDays(ctx, app)
	r := adminapi.FigureDays{Zone: app.Zone().String(), Days: make([]adminapi.FigureDay, len(days))}
	for i, d := range days {
		r.Days[i] = adminapi.FigureDay{
			Date: d.Date.Format(time.DateOnly), Created: d.Created, Deleted: d.Deleted, Accounts: d.Accounts, Logins: d.Logins, Users: d.Users,
			Online: d.Online, Webhooks: d.Sent, Answered: d.Answered,
		}
	}
	return r, err
}

func (s *Server) figuresOf(ctx context.Context, c *call, app account.AppID) (adminapi.Figures, error) {
	span, ok := figures.SpanOf(c.query["last"])
	if !ok {
		return adminapi.Figures{}, bad(fmt.Sprintf("last is %s, not one of %s", account.Quote(c.query["last"]), spanNames()))
	}
	return s.o.Figures.Read(ctx, app, span)
}

// spanNames returns the values of the parameter last.
func spanNames() string {
	var names []string
	for _, span := range figures.Spans() {
		names = append(names, span.Name)
	}
	return strings.Join(names, ", ")
}

func (s *Server) readStatus(ctx context.Context, _ *call) (adminapi.Status, error) {
	counts, err := s.counts(ctx)
	if err != nil {
		return adminapi.Status{}, err
	}
	status := adminapi.Status{
		Version: s.o.Version, StartedAt: s.started, UptimeS: int64(time.Since(s.started) / time.Second), Ready: true,
		Store: s.o.Store, Apps: counts.Apps, Accounts: counts.Accounts, MemoryBytes: memory(), Goroutines: int64(runtime.NumGoroutine()),
	}
	if !s.dir.Copyable() {
		status.NoBackup = s.noBackup()
	}
	if s.o.Backups != nil {
		status.Repository = s.o.Backups.Place()
	}
	if s.o.InFlight != nil {
		status.CallsInFlight = int64(s.o.InFlight())
	}
	if err := s.ready(ctx); err != nil {
		_, status.NotReady = classify(err)
		status.Ready = false
	}
	if s.o.Disk != nil {
		if used, free, err := s.o.Disk(); err == nil { // a status without the disk is better than none
			status.Disk = &adminapi.Disk{UsedBytes: used, FreeBytes: free}
		}
	}
	return status, nil
}

// ready returns nil if the server accepts calls that change something, or the reason why it
// does not.
func (s *Server) ready(ctx context.Context) error {
	if s.o.Stopping != nil && s.o.Stopping() {
		return &problemError{unavailable, "the server is about to stop"}
	}
	return s.dir.Ready(ctx)
}

// memory returns the bytes of memory that the process holds.
func memory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
