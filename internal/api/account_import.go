package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// accountImport serves account_import (protocol.md §3.1): it creates one
// account, or updates its Nick and FaceUrl. The reason of a failure is the
// code of the whole answer.
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
	if c.imports, err = s.dir.ImportInto(ctx, c.app, c.items, c.imports); err != nil {
		return nil, err
	}
	return &wire.SuccessInfoFirst, c.imports[0].Err()
}

// upsert reads the texts that an import may carry.
func upsert(userID account.UserID, nick, faceURL wire.Text) (item account.Upsert, err error) {
	item.ID = userID
	if item.Nick, err = text("Nick", nick); err != nil {
		return item, err
	}
	item.FaceURL, err = text("FaceUrl", faceURL)
	return item, err
}
