package client

import (
	"context"
	"slices"
	"strconv"

	"rollcall/internal/wire"
)

// Standard tags of a profile (protocol.md §3.10). A custom tag of an app is
// "Tag_Profile_Custom_" and a name.
const (
	TagNick            = "Tag_Profile_IM_Nick"
	TagGender          = "Tag_Profile_IM_Gender"   // Gender_Type_Unknown, _Female or _Male
	TagBirthDay        = "Tag_Profile_IM_BirthDay" // number, such as 20190419
	TagLocation        = "Tag_Profile_IM_Location"
	TagSelfSignature   = "Tag_Profile_IM_SelfSignature"
	TagAllowType       = "Tag_Profile_IM_AllowType" // AllowType_Type_NeedConfirm, _AllowAny or _DenyAny
	TagLanguage        = "Tag_Profile_IM_Language"  // number
	TagImage           = "Tag_Profile_IM_Image"
	TagMsgSettings     = "Tag_Profile_IM_MsgSettings"     // number; bit 0: receive nothing
	TagAdminForbidType = "Tag_Profile_IM_AdminForbidType" // AdminForbid_Type_None or _SendOut
	TagLevel           = "Tag_Profile_IM_Level"           // number
	TagRole            = "Tag_Profile_IM_Role"            // number
)

// StandardTags returns the standard tags.
func StandardTags() []string {
	return []string{
		TagNick, TagGender, TagBirthDay, TagLocation, TagSelfSignature, TagAllowType,
		TagLanguage, TagImage, TagMsgSettings, TagAdminForbidType, TagLevel, TagRole,
	}
}

// A Field is one tag of a profile with its value, a text or a number.
type Field struct {
	Tag      string
	Text     string
	Number   uint64
	IsNumber bool
}

// Text returns the field of a tag that takes text. The text has at most 500 bytes. An
// empty text clears the tag.
func Text(tag, value string) Field { return Field{Tag: tag, Text: value} }

// Number returns the field of a tag that takes a number.
func Number(tag string, value uint64) Field { return Field{Tag: tag, Number: value, IsNumber: true} }

// String returns the value of f as text.
func (f Field) String() string {
	if f.IsNumber {
		return strconv.FormatUint(f.Number, 10)
	}
	return f.Text
}

// A Profile is the result of GetProfile for one account.
type Profile struct {
	UserID string
	Fields []Field // only tags that are set
	Code   Code    // not 0 if there is no profile; CodeProfileNoAccount for an unknown id
	Info   string
}

// Field returns the field of tag, and whether it is set.
func (p *Profile) Field(tag string) (Field, bool) {
	i := slices.IndexFunc(p.Fields, func(f Field) bool { return f.Tag == tag })
	if i < 0 {
		return Field{}, false
	}
	return p.Fields[i], true
}

// SetProfile sets fields of one account. If the server refuses one field, it sets none.
func (c *Client) SetProfile(ctx context.Context, userID string, fields ...Field) error {
	items := make([]wire.TagValue, len(fields))
	for i, f := range fields {
		items[i] = wire.TagValue{Tag: f.Tag, Value: wire.Scalar{Text: f.Text, Number: f.Number, IsNumber: f.IsNumber}}
	}
	req := struct {
		From_Account string
		ProfileItem  []wire.TagValue
	}{userID, items}
	_, err := c.call(ctx, "portrait_set", req, new(wire.ProfileHead))
	return err
}

// GetProfile returns the profiles of 1 to [MaxBatch] accounts, in the order of userIDs.
// Without tags it returns the standard tags.
func (c *Client) GetProfile(ctx context.Context, userIDs []string, tags ...string) ([]Profile, error) {
	if len(tags) == 0 {
		tags = StandardTags()
	}
	req := struct{ To_Account, TagList []string }{userIDs, tags}
	var resp wire.PortraitGetResponse
	if _, err := c.call(ctx, "portrait_get", req, &resp); err != nil {
		return nil, err
	}
	profiles := make([]Profile, len(resp.UserProfileItem))
	for i, item := range resp.UserProfileItem {
		profiles[i] = profile(item)
		if len(profiles) == len(userIDs) {
			profiles[i].UserID = userIDs[i] // the response may contain another name for an unknown id
		}
	}
	return profiles, nil
}

func profile(item wire.UserProfile) Profile {
	p := Profile{UserID: item.To_Account, Code: Code(item.ResultCode), Info: item.ResultInfo}
	if item.ProfileItem == nil {
		return p
	}
	for _, tv := range *item.ProfileItem {
		p.Fields = append(p.Fields, Field{tv.Tag, tv.Value.Text, tv.Value.Number, tv.Value.IsNumber})
	}
	return p
}
