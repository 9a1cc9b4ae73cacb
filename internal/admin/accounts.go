package admin

import (
	"cmp"
	"context"
	"fmt"

	"rollcall/internal/account"
)

// AccountPage is one page of accounts.
type AccountPage struct {
	Accounts   []Account `json:"accounts"`
	NextCursor string    `json:"next_cursor"` // "" on the last page
}

func (s *Server) listAccounts(ctx context.Context, c *call) (AccountPage, error) {
	app, err := c.app()
	if err != nil {
		return AccountPage{}, err
	}
	q := account.ListQuery{Prefix: account.UserID(c.query["prefix"])}
	if q.Limit, err = c.limit(); err != nil {
		return AccountPage{}, err
	}
	after, err := c.cursor()
	if err != nil {
		return AccountPage{}, err
	}
	if len(after) > account.MaxUserIDBytes {
		return AccountPage{}, errCursor
	}
	if len(q.Prefix) > account.MaxUserIDBytes {
		return AccountPage{}, bad(fmt.Sprintf("a prefix has at most %d bytes, as a UserID has", account.MaxUserIDBytes))
	}
	q.After = account.UserID(after)
	list, err := s.dir.List(ctx, app, q)
	if err != nil {
		return AccountPage{}, err
	}
	answer := AccountPage{Accounts: make([]Account, len(list.Accounts)), NextCursor: nextCursor(string(list.Next))}
	for i, a := range list.Accounts {
		answer.Accounts[i] = showAccount(a)
	}
	return answer, nil
}

// Count is how many accounts an app has.
type Count struct {
	Count int64 `json:"count"`
}

func (s *Server) countAccounts(ctx context.Context, c *call) (Count, error) {
	app, err := c.app()
	if err != nil {
		return Count{}, err
	}
	n, err := s.dir.Count(ctx, app)
	return Count{n}, err
}

// Unkick names an account whose kicks are forgotten.
type Unkick struct {
	UserID account.UserID `json:"userid"`
}

func (s *Server) unkickAccount(ctx context.Context, c *call, req Unkick) (Account, error) {
	app, err := c.app()
	if err != nil {
		return Account{}, err
	}
	if err := s.dir.Unkick(ctx, c.actor(), app, req.UserID); err != nil {
		return Account{}, err
	}
	a, err := s.dir.Account(ctx, app, req.UserID)
	if err != nil {
		return Account{}, err
	}
	return showAccount(a), nil
}

// readAccount serves both forms: the id in the path and the id in the query.
func (s *Server) readAccount(ctx context.Context, c *call) (Account, error) {
	app, err := c.app()
	if err != nil {
		return Account{}, err
	}
	id := cmp.Or(c.r.PathValue("userid"), c.query["userid"])
	if err := account.UserID(id).Validate(false); err != nil {
		return Account{}, err
	}
	a, err := s.dir.Account(ctx, app, account.UserID(id))
	if err != nil {
		return Account{}, err
	}
	return showAccount(a), nil
}
