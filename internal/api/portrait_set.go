package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/wire"
)

// portraitSet serves portrait_set (protocol.md §3.8). Either all items are
// applied or none.
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
	if err := s.dir.SetProfile(s.named(ctx, c, account.EventChanged), c.app, userID, changes); err != nil {
		return nil, c.suggestTag(err, tagsOf(changes))
	}
	return wire.ProfileSuccess, nil
}

func tagsOf(changes []directory.Change) []account.Tag {
	tags := make([]account.Tag, len(changes))
	for i, change := range changes {
		tags[i] = change.Tag
	}
	return tags
}

func profileChanges(list wire.List[wire.Object[wire.ProfileItem]]) ([]directory.Change, error) {
	switch {
	case list.Kind != wire.Valid:
		return nil, &fieldError{account.BadParameter, wire.Mismatch{At: field("ProfileItem"), Want: "an array of objects with Tag and Value"}}
	case len(list.V) == 0:
		return nil, &account.Error{Code: account.BadParameter, Detail: "ProfileItem is an empty array; send at least one object with Tag and Value"}
	}
	changes := make([]directory.Change, len(list.V))
	for i, item := range list.V {
		switch tag, value := item.V.Tag, item.V.Value; {
		case item.Kind != wire.Valid:
			return nil, notObject("ProfileItem", i, "Tag and Value")
		case tag.Kind != wire.Valid:
			return nil, &fieldError{account.BadParameter, wire.Mismatch{At: itemOf("ProfileItem", i) + "/Tag", Want: aString}}
		case value.Kind == wire.Absent:
			return nil, &fieldError{account.BadParameter, wire.Mismatch{At: itemOf("ProfileItem", i) + "/Value", Want: "a JSON string or number"}}
		default:
			changes[i] = directory.Change{
				Tag:       account.Tag(tag.V),
				Value:     account.Value{Text: value.Text, Number: value.Number, IsNumber: value.IsNumber},
				Malformed: value.Kind == wire.Wrong,
			}
		}
	}
	return changes, nil
}
