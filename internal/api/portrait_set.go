package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/wire"
)

// portraitSet serves portrait_set (protocol.md §3.8): all items apply or none.
func (s *Server) portraitSet(ctx context.Context, c *call, req *wire.PortraitSetRequest) (any, error) {
	userID, err := id("From_Account", req.From_Account)
	if err != nil {
		return nil, err
	}
	changes, err := profileChanges(req.ProfileItem)
	if err != nil {
		return nil, err
	}
	c.event.SetCounts(len(changes), 0)
	return wire.ProfileSuccess, s.dir.SetProfile(ctx, c.app, userID, changes)
}

func profileChanges(list wire.List[wire.Object[wire.ProfileItem]]) ([]directory.Change, error) {
	if list.Kind != wire.Valid || len(list.V) == 0 {
		return nil, &account.Error{Code: account.BadParameter, Detail: "ProfileItem is not a non-empty array"}
	}
	changes := make([]directory.Change, len(list.V))
	for i, item := range list.V {
		switch tag, value := item.V.Tag, item.V.Value; {
		case item.Kind != wire.Valid:
			return nil, notObject("ProfileItem")
		case tag.Kind != wire.Valid:
			return nil, &account.Error{Code: account.BadParameter, Detail: "an item of ProfileItem has no Tag that is a string"}
		case value.Kind == wire.Absent:
			return nil, missing("Value of " + tag.V)
		default:
			changes[i] = directory.Change{
				Tag:   account.Tag(tag.V),
				Value: account.Value{Text: value.Text, Number: value.Number, IsNumber: value.IsNumber},
				Odd:   value.Kind == wire.Wrong,
			}
		}
	}
	return changes, nil
}
