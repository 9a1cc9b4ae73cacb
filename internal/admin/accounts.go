package admin

import (
	"cmp"
	"context"
	"fmt"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

var errPrefix = bad(fmt.Sprintf("a prefix has at most %d bytes, as a UserID has", account.MaxUserIDBytes))

func (s *Server) listAccounts(ctx context.Context, c *call) (adminapi.AccountPage, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.AccountPage{}, err
	}
	q := account.ListQuery{Prefix: account.UserID(c.query["prefix"])}
	if q.Limit, err = c.limit(); err != nil {
		return adminapi.AccountPage{}, err
	}
	after, err := c.cursor()
	if err != nil {
		return adminapi.AccountPage{}, err
	}
	if len(after) > account.MaxUserIDBytes {
		return adminapi.AccountPage{}, errCursor
	}
	if len(q.Prefix) > account.MaxUserIDBytes {
		return adminapi.AccountPage{}, errPrefix
	}
	q.After = account.UserID(after)
	list, err := s.dir.List(ctx, app, q)
	if err != nil {
		return adminapi.AccountPage{}, err
	}
	page := adminapi.AccountPage{Accounts: make([]adminapi.Account, len(list.Accounts)), NextCursor: nextCursor(string(list.Next))}
	for i, a := range list.Accounts {
		page.Accounts[i] = showAccount(a)
	}
	return page, nil
}

func (s *Server) countAccounts(ctx context.Context, c *call) (adminapi.Count, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.Count{}, err
	}
	n, err := s.dir.Count(ctx, app)
	return adminapi.Count{Count: n}, err
}

// readAccount serves both routes: the ID is in the path or in the query.
func (s *Server) readAccount(ctx context.Context, c *call) (adminapi.Account, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.Account{}, err
	}
	id := c.userID()
	if err := id.Validate(false); err != nil {
		return adminapi.Account{}, err
	}
	a, err := s.account(ctx, app, id)
	if account.CodeOf(err) != account.NoAccount {
		return a, err
	}
	deleted, until, tombErr := s.dir.Tombstone(ctx, app, id)
	switch {
	case tombErr != nil:
		return a, tombErr
	case deleted.IsZero():
		return a, err
	}
	return a, &deletedError{deleted, until}
}

// userID returns the ID in the path or in the query.
func (c *call) userID() account.UserID {
	return account.UserID(cmp.Or(c.param("userid"), c.query["userid"]))
}

// account returns an account as the API shows it.
func (s *Server) account(ctx context.Context, app account.AppID, id account.UserID) (adminapi.Account, error) {
	a, err := s.dir.Account(ctx, app, id)
	if err != nil {
		return adminapi.Account{}, err
	}
	return showAccount(a), nil
}
