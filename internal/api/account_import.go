package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// accountImport serves account_import (protocol.md §3.1). It creates one
// account or updates its Nick and FaceUrl. If the account cannot be imported,
// the response as a whole has the code of the reason.
func (s *Server) accountImport(ctx context.Context, c *call, req *wire.ImportRequest) (any, error) {
	userID, err := eitherID(req.UserID, req.Identifier)
	if err != nil {
		return nil, err
	}
	item, err := upsert(userID, req.Nick, req.FaceUrl)
	if err != nil {
		return nil, err
	}
	c.items = append(c.items, item)
	if c.imports, err = s.dir.ImportInto(s.named(ctx, c, account.EventImported), c.app, c.items, c.imports); err != nil {
		return nil, err
	}
	return &wire.SuccessInfoFirst, c.imports[0].Err()
}

// upsert returns the account to import, with the texts of the request.
func upsert(userID account.UserID, nick, faceURL wire.Text) (item account.Upsert, err error) {
	item.ID = userID
	if item.Nick, err = text("Nick", nick); err != nil {
		return item, err
	}
	item.FaceURL, err = text("FaceUrl", faceURL)
	return item, err
}
