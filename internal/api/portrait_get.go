package api

import (
	"context"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// notFoundID replaces an id that has no account. Programs for the live service
// compare ids with it (decisions.md, "Batches and items").
const notFoundID = "@TLS#NOT_FOUND"

// portraitGet serves portrait_get (protocol.md §3.9). The top level of the
// response is OK even if single accounts fail.
func (s *Server) portraitGet(ctx context.Context, c *call, req *wire.PortraitGetRequest) (any, error) {
	userIDs, err := ids(nil, "To_Account", &req.To_Account, c.Batch)
	if err != nil {
		return nil, err
	}
	tags, err := tagList(req.TagList)
	if err != nil {
		return nil, err
	}
	accounts, err := s.dir.Profiles(ctx, c.app, userIDs, tags)
	if err != nil {
		return nil, c.suggestTag(err, tags)
	}
	resp := wire.PortraitGetResponse{ProfileHead: wire.ProfileSuccess}
	for i, a := range accounts {
		resp.UserProfileItem = append(resp.UserProfileItem, c.userProfile(userIDs[i], &a, tags))
		if a.InternalID == 0 {
			resp.Fail_Account = append(resp.Fail_Account, string(userIDs[i]))
			c.failItem("To_Account", reason{i, c.service.code(account.NoAccount)}, userIDs[i], c.whyUnknown(userIDs[i]))
		}
	}
	c.event.SetCounts(len(userIDs), len(resp.Fail_Account))
	return resp, nil
}

// tagList reads the requested tags, each once, in the order of the request.
func tagList(list wire.List[wire.Text]) ([]account.Tag, error) {
	switch {
	case list.Kind != wire.Valid:
		return nil, &fieldError{account.BadParameter, wire.Mismatch{At: field("TagList"), Want: "an array of names of profile fields"}}
	case len(list.V) == 0:
		return nil, &account.Error{Code: account.BadParameter, Detail: "TagList is an empty array; send at least one name of a profile field"}
	}
	var tags []account.Tag
	for i, t := range list.V {
		if t.Kind != wire.Valid {
			return nil, &fieldError{account.BadParameter, wire.Mismatch{At: itemOf("TagList", i), Want: aString}}
		}
		if tag := account.Tag(t.V); !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
		if len(tags) > maxTags {
			return nil, &account.Error{Code: account.UnknownTag, Detail: "TagList has more tags than an app can have"}
		}
	}
	return tags, nil
}

// maxTags is larger than the number of standard and custom tags of any app.
const maxTags = 64

func (c *call) userProfile(userID account.UserID, a *account.Account, tags []account.Tag) wire.UserProfile {
	if a.InternalID == 0 {
		code, info := c.result(account.NoAccount, c.app.WhyUnknown(userID))
		if !c.app.Settings.EchoUnknownIDs {
			userID = notFoundID
		}
		return wire.UserProfile{To_Account: string(userID), ResultCode: code, ResultInfo: info}
	}
	items := []wire.TagValue{}
	for _, tag := range tags {
		if v, ok := a.Field(tag); ok {
			items = append(items, wire.TagValue{Tag: string(tag), Value: wire.Scalar{Text: v.Text, Number: v.Number, IsNumber: v.IsNumber}})
		}
	}
	return wire.UserProfile{To_Account: string(userID), ProfileItem: &items}
}
