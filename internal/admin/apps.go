package admin

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

func (s *Server) about(ctx context.Context, c *call) (adminapi.About, error) {
	as, err := s.dir.Apps(ctx)
	return adminapi.About{Version: s.o.Version, Store: s.o.Store, Apps: len(as)}, err
}

func (s *Server) listApps(ctx context.Context, c *call) (adminapi.AppPage, error) {
	limit, err := c.limit()
	if err != nil {
		return adminapi.AppPage{}, err
	}
	after, err := c.numericCursor()
	if err != nil {
		return adminapi.AppPage{}, err
	}
	as, err := s.dir.Apps(ctx)
	if err != nil {
		return adminapi.AppPage{}, err
	}
	first := slices.IndexFunc(as, func(a *account.App) bool { return uint64(a.ID) > after })
	if first < 0 {
		first = len(as)
	}
	as = as[first:]
	var page adminapi.AppPage
	for _, a := range as[:min(limit, len(as))] {
		page.Apps = append(page.Apps, showApp(a))
	}
	if len(as) > limit {
		page.NextCursor = nextCursor(strconv.FormatUint(uint64(as[limit-1].ID), 10))
	}
	return page, nil
}

func (s *Server) createApp(ctx context.Context, c *call, req adminapi.NewApp) (adminapi.CreatedApp, error) {
	key, made, err := newKey(req.Secret, req.PublicKey)
	if err != nil {
		return adminapi.CreatedApp{}, err
	}
	expires, err := s.expiryOf(req.TTLSeconds)
	if err != nil {
		return adminapi.CreatedApp{}, err
	}
	c.event.SetApp(req.SDKAppID)
	app, err := s.dir.CreateApp(ctx, c.actor(), account.App{
		ID: account.AppID(req.SDKAppID), Name: req.Name, Edition: cmp.Or(account.Edition(req.Edition), account.Development),
		Test: req.Test, Admins: texts[account.UserID](req.Admins), Settings: req.Settings, Keys: []account.Key{key}, Expires: expires,
	})
	if err != nil {
		return adminapi.CreatedApp{}, err
	}
	shown := showApp(app)
	return adminapi.CreatedApp{App: &shown, Secret: made}, nil
}

func (s *Server) readApp(ctx context.Context, c *call) (adminapi.App, error) {
	return s.withApp(c, func(id account.AppID) (*account.App, error) { return s.dir.App(ctx, id) })
}

// withApp calls fn with the SDKAppID in the path and shows what it returns.
func (s *Server) withApp(c *call, fn func(account.AppID) (*account.App, error)) (adminapi.App, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.App{}, err
	}
	a, err := fn(id)
	if err != nil {
		return adminapi.App{}, err
	}
	return showApp(a), nil
}

func (s *Server) deleteApp(ctx context.Context, c *call) error {
	id, err := c.app()
	if err != nil {
		return err
	}
	return s.dir.DeleteApp(ctx, c.actor(), id)
}

func (s *Server) addAdmin(ctx context.Context, c *call) (adminapi.App, error) {
	return s.withApp(c, func(id account.AppID) (*account.App, error) {
		return s.dir.AddAdmin(ctx, c.actor(), id, account.UserID(c.param("userid")))
	})
}

func (s *Server) removeAdmin(ctx context.Context, c *call) (adminapi.App, error) {
	return s.withApp(c, func(id account.AppID) (*account.App, error) {
		return s.dir.RemoveAdmin(ctx, c.actor(), id, account.UserID(c.param("userid")))
	})
}
