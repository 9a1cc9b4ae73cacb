package admin

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"rollcall/internal/account"
)

// About says what a server is.
type About struct {
	Version string `json:"version"`
	Store   string `json:"store"` // kind of the engine
	Apps    int    `json:"apps"`  // how many there are
}

func (s *Server) about(ctx context.Context, c *call) (About, error) {
	as, err := s.dir.Apps(ctx)
	return About{s.o.Version, s.o.Store, len(as)}, err
}

// AppPage is one page of apps.
type AppPage struct {
	Apps       []App  `json:"apps"`
	NextCursor string `json:"next_cursor"` // "" on the last page
}

func (s *Server) listApps(ctx context.Context, c *call) (AppPage, error) {
	limit, err := c.limit()
	if err != nil {
		return AppPage{}, err
	}
	after, err := c.numericCursor()
	if err != nil {
		return AppPage{}, err
	}
	as, err := s.dir.Apps(ctx)
	if err != nil {
		return AppPage{}, err
	}
	first := slices.IndexFunc(as, func(a *account.App) bool { return uint64(a.ID) > after })
	if first < 0 {
		first = len(as)
	}
	as = as[first:]
	var answer AppPage
	for _, a := range as[:min(limit, len(as))] {
		answer.Apps = append(answer.Apps, showApp(a))
	}
	if len(as) > limit {
		answer.NextCursor = nextCursor(strconv.FormatUint(uint64(as[limit-1].ID), 10))
	}
	return answer, nil
}

// NewApp is an app to create. Without a secret and a public key, an HMAC key is
// made.
type NewApp struct {
	SDKAppID  uint32           `json:"sdkappid"`
	Name      string           `json:"name,omitempty"`    // for people, at most 200 bytes
	Edition   account.Edition  `json:"edition,omitempty"` // development if absent
	Test      bool             `json:"test,omitempty"`    // may falsify; only where the server allows test apps
	Admins    []account.UserID `json:"admins,omitempty"`  // besides administrator
	Settings  account.Settings `json:"settings,omitzero"`
	Secret    string           `json:"secret,omitempty"`     // HMAC key as text, at most 4096 bytes
	PublicKey string           `json:"public_key,omitempty"` // ECDSA public key in PEM, at most 4096 bytes
}

// CreatedApp is an app that was created.
type CreatedApp struct {
	App    App    `json:"app"`
	Secret string `json:"secret,omitempty"` // the HMAC key, if it was made here; it is not shown again
}

func (s *Server) createApp(ctx context.Context, c *call, req NewApp) (CreatedApp, error) {
	key, made, err := newKey(req.Secret, req.PublicKey)
	if err != nil {
		return CreatedApp{}, err
	}
	c.event.SetApp(req.SDKAppID)
	app, err := s.dir.CreateApp(ctx, c.actor(), account.App{
		ID: account.AppID(req.SDKAppID), Name: req.Name, Edition: cmp.Or(req.Edition, account.Development),
		Test: req.Test, Admins: req.Admins, Settings: req.Settings, Keys: []account.Key{key},
	})
	if err != nil {
		return CreatedApp{}, err
	}
	return CreatedApp{showApp(app), made}, nil
}

func (s *Server) readApp(ctx context.Context, c *call) (App, error) {
	return s.withApp(c, func(id account.AppID) (*account.App, error) { return s.dir.App(ctx, id) })
}

// withApp calls fn with the SDKAppID in the path and shows what it returns.
func (s *Server) withApp(c *call, fn func(account.AppID) (*account.App, error)) (App, error) {
	id, err := c.app()
	if err != nil {
		return App{}, err
	}
	a, err := fn(id)
	if err != nil {
		return App{}, err
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

func (s *Server) addAdmin(ctx context.Context, c *call) (App, error) {
	return s.withApp(c, func(id account.AppID) (*account.App, error) {
		return s.dir.AddAdmin(ctx, c.actor(), id, account.UserID(c.r.PathValue("userid")))
	})
}

func (s *Server) removeAdmin(ctx context.Context, c *call) (App, error) {
	return s.withApp(c, func(id account.AppID) (*account.App, error) {
		return s.dir.RemoveAdmin(ctx, c.actor(), id, account.UserID(c.r.PathValue("userid")))
	})
}
