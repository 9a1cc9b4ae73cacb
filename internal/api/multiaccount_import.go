package api

import (
	"context"
	"errors"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/wire"
)

// multiaccountImport serves multiaccount_import (protocol.md §3.2). It imports
// all ids that can be imported and returns the others in FailAccounts.
func (s *Server) multiaccountImport(ctx context.Context, c *call, req *wire.MultiImportRequest) (any, error) {
	if err := c.importItems(req); err != nil {
		return nil, err
	}
	if err := s.importInto(ctx, c); err != nil {
		return nil, err
	}
	c.imported = wire.MultiImportResponse{Head: wire.Success, FailAccounts: c.failedIDs(listOf(req))}
	c.event.SetCounts(len(c.items), len(c.explain))
	if err := c.whollyFailed(); err != nil {
		return nil, err
	}
	return &c.imported, nil
}

// importInto imports the items of c into c.imports, without those that a fault fails.
func (s *Server) importInto(ctx context.Context, c *call) (err error) {
	ctx = s.named(ctx, c, account.EventImported)
	if c.fault == nil || !c.fault.OfItems() {
		c.imports, err = s.dir.ImportInto(ctx, c.app, c.items, c.imports)
		return err
	}
	c.doomed = c.fault.Items(len(c.items), func(i int) string { return string(c.items[i].ID) })
	c.imports, err = spared(c, c.items, func(items []account.Upsert) ([]directory.Result, error) {
		return s.dir.ImportInto(ctx, c.app, items, nil)
	})
	return err
}

// importItems reads either form of the batch into c.items. If both are present,
// AccountList is used.
func (c *call) importItems(req *wire.MultiImportRequest) error {
	if req.AccountList.Kind != wire.Absent {
		return c.listItems(&req.AccountList)
	}
	userIDs, err := ids(c.userIDs, "Accounts", &req.Accounts, c.Batch)
	if e, ok := errors.AsType[*fieldError](err); ok && req.Accounts.Kind == wire.Absent {
		e.At, e.Also = field("AccountList"), "Accounts"
	}
	if err != nil {
		return err
	}
	c.userIDs, c.items = userIDs, sized(c.items, len(userIDs))
	for i, userID := range userIDs {
		c.items[i].ID = userID
	}
	return nil
}

func (c *call) listItems(list *wire.List[wire.Object[wire.ImportItem]]) error {
	if err := batch("AccountList", list, c.Batch); err != nil {
		return err
	}
	c.items = sized(c.items, len(list.V))
	for i := range list.V {
		item := &list.V[i]
		if item.Kind != wire.Valid {
			return notObject("AccountList", i, "UserID")
		}
		userID, err := id("UserID", item.V.UserID)
		if err != nil {
			return within(err, "AccountList", i)
		}
		if c.items[i], err = upsert(userID, item.V.Nick, item.V.FaceUrl); err != nil {
			return within(err, "AccountList", i)
		}
	}
	return nil
}

// listOf returns the name of the array that contains the items of req.
func listOf(req *wire.MultiImportRequest) string {
	if req.AccountList.Kind != wire.Absent {
		return "AccountList"
	}
	return "Accounts"
}

// failedIDs returns the ids that failed, in the order of the request and each
// once. It records the reason of every failed item of list.
func (c *call) failedIDs(list string) []string {
	var failed []string
	var seen map[account.UserID]bool
	for i := range c.imports {
		r := &c.imports[i]
		code := c.itemCode(i, r.Code)
		if code == wire.OK {
			continue
		}
		why := reason{i, code}
		c.explain = append(c.explain, why)
		c.failItem(list, why, c.items[i].ID, r.Detail)
		if seen == nil {
			seen = map[account.UserID]bool{}
		}
		if userID := c.items[i].ID; !seen[userID] {
			seen[userID] = true
			failed = append(failed, string(userID))
		}
	}
	return failed
}

// whollyFailed returns an error if the app wants it, all items failed, and all
// for the same reason. Otherwise it returns nil.
func (c *call) whollyFailed() error {
	if !c.app.Settings.FailWhollyFailed {
		return nil
	}
	first := c.itemCode(0, c.imports[0].Code)
	for i := range c.imports {
		if c.itemCode(i, c.imports[i].Code) != first {
			return nil
		}
	}
	if c.dooms(0) {
		return &wire.Error{Code: first}
	}
	return c.imports[0].Err()
}
