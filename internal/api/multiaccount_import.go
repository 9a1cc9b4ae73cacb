package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/wire"
)

// multiaccountImport serves multiaccount_import (protocol.md §3.2): ids that
// cannot be imported go into FailAccounts, all others apply.
func (s *Server) multiaccountImport(ctx context.Context, c *call, req *wire.MultiImportRequest) (any, error) {
	items, err := importItems(req)
	if err != nil {
		return nil, err
	}
	results, err := s.dir.Import(ctx, c.app, items)
	if err != nil {
		return nil, err
	}
	failed := failedIDs(c, items, results)
	c.event.SetCounts(len(items), len(c.explain))
	if err := whollyFailed(c.app, results); err != nil {
		return nil, err
	}
	return wire.MultiImportResponse{Head: wire.Success, FailAccounts: failed}, nil
}

// importItems reads either form of the batch. AccountList wins.
func importItems(req *wire.MultiImportRequest) ([]account.Upsert, error) {
	if req.AccountList.Kind != wire.Absent {
		return listItems(req.AccountList)
	}
	userIDs, err := ids("Accounts", req.Accounts, maxBatch)
	if err != nil {
		return nil, err
	}
	items := make([]account.Upsert, len(userIDs))
	for i, userID := range userIDs {
		items[i].ID = userID
	}
	return items, nil
}

func listItems(list wire.List[wire.Object[wire.ImportItem]]) ([]account.Upsert, error) {
	if err := batch("AccountList", list, maxBatch); err != nil {
		return nil, err
	}
	items := make([]account.Upsert, len(list.V))
	for i, item := range list.V {
		if item.Kind != wire.Valid {
			return nil, notObject("AccountList")
		}
		userID, err := id("UserID", item.V.UserID)
		if err != nil {
			return nil, err
		}
		if items[i], err = upsert(userID, item.V.Nick, item.V.FaceUrl); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// failedIDs returns the ids that failed, in the order of the request, each
// once, and keeps the reason of every item.
func failedIDs(c *call, items []account.Upsert, results []directory.Result) []string {
	var failed []string
	seen := map[account.UserID]bool{}
	for i, r := range results {
		if r.Code == account.OK {
			continue
		}
		c.explain = append(c.explain, reason{i, c.service.code(r.Code)})
		if userID := items[i].ID; !seen[userID] {
			seen[userID] = true
			failed = append(failed, string(userID))
		}
	}
	return failed
}

// whollyFailed returns the reason that all items share, if they failed for one
// and the app wants that to fail the call.
func whollyFailed(app *account.App, results []directory.Result) error {
	if !app.Settings.FailWhollyFailed {
		return nil
	}
	for _, r := range results {
		if r.Code != results[0].Code {
			return nil
		}
	}
	return results[0].Err()
}
