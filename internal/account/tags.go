package account

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Tag names a profile field, spelt as on the wire.
type Tag string

// Standard tags (protocol.md §3.10).
const (
	TagNick            Tag = "Tag_Profile_IM_Nick"
	TagGender          Tag = "Tag_Profile_IM_Gender"
	TagBirthDay        Tag = "Tag_Profile_IM_BirthDay"
	TagLocation        Tag = "Tag_Profile_IM_Location"
	TagSelfSignature   Tag = "Tag_Profile_IM_SelfSignature"
	TagAllowType       Tag = "Tag_Profile_IM_AllowType"
	TagLanguage        Tag = "Tag_Profile_IM_Language"
	TagImage           Tag = "Tag_Profile_IM_Image"
	TagMsgSettings     Tag = "Tag_Profile_IM_MsgSettings"
	TagAdminForbidType Tag = "Tag_Profile_IM_AdminForbidType"
	TagLevel           Tag = "Tag_Profile_IM_Level"
	TagRole            Tag = "Tag_Profile_IM_Role"
)

// ProfilePrefix begins every tag.
const ProfilePrefix = "Tag_Profile_"

// StandardPrefix begins every standard tag.
const StandardPrefix = "Tag_Profile_IM_"

// CustomPrefix begins every custom tag; a key of at most 8 letters follows.
const CustomPrefix = "Tag_Profile_Custom_"

// Limits of profiles, in bytes and counts (protocol.md §3.10).
const (
	MaxValueBytes     = 500 // bytes of Nick, FaceUrl and every other text
	LocationWarnBytes = 16  // bytes of the older limit of Location; a longer text is logged, not refused
	MaxCustomTags     = 20
	MaxCustomKey      = 8
)

// A TagSpec defines which values a tag accepts and what admins may do with it.
type TagSpec struct {
	IsNumber  bool
	Max       uint64   // largest number
	Allowed   []string // if not nil, the only texts allowed
	WarnBytes int      // if not 0, a longer text is logged
	NoRead    bool     // portrait_get refuses it
	NoWrite   bool     // portrait_set refuses it
}

var (
	textTag   = TagSpec{}
	uint32Tag = TagSpec{IsNumber: true, Max: math.MaxUint32}
)

var standardTags = map[Tag]TagSpec{
	TagNick:            textTag,
	TagGender:          {Allowed: []string{"Gender_Type_Unknown", "Gender_Type_Female", "Gender_Type_Male"}},
	TagBirthDay:        uint32Tag,
	TagLocation:        {WarnBytes: LocationWarnBytes},
	TagSelfSignature:   textTag,
	TagAllowType:       {Allowed: []string{"AllowType_Type_NeedConfirm", "AllowType_Type_AllowAny", "AllowType_Type_DenyAny"}},
	TagLanguage:        uint32Tag,
	TagImage:           textTag,
	TagMsgSettings:     uint32Tag,
	TagAdminForbidType: {Allowed: []string{"AdminForbid_Type_None", "AdminForbid_Type_SendOut"}},
	TagLevel:           uint32Tag,
	TagRole:            uint32Tag,
}

// Validate returns an error if v is no value for tag, which s specifies.
//
// Codes: ValueType, ValueNotAllowed, ValueTooLong.
func (s TagSpec) Validate(tag Tag, v Value) error {
	switch {
	case v.IsNumber != s.IsNumber || v.Number > s.Max:
		want := "a string"
		if s.IsNumber {
			want = fmt.Sprintf("an integer from 0 to %d", s.Max)
		}
		return &Error{Code: ValueType, Detail: fmt.Sprintf("%s takes %s", tag, want)}
	case s.Allowed != nil && !slices.Contains(s.Allowed, v.Text):
		return &Error{Code: ValueNotAllowed, Detail: fmt.Sprintf("%s takes one of %q", tag, s.Allowed)}
	case len(v.Text) > MaxValueBytes:
		return &Error{Code: ValueTooLong, Detail: fmt.Sprintf("%s is longer than 500 bytes; shorten it", tag)}
	}
	return nil
}

// A CustomTag is a profile field that an app declares. Admins may read and write it
// unless NoRead or NoWrite is set.
type CustomTag struct {
	Key     string `json:"key"`               // 1 to 8 ASCII letters
	Number  bool   `json:"number,omitzero"`   // an unsigned integer instead of text
	NoRead  bool   `json:"no_read,omitzero"`  // 40007 on portrait_get
	NoWrite bool   `json:"no_write,omitzero"` // 40008 on portrait_set
}

// Tag returns the name of c on the wire.
func (c CustomTag) Tag() Tag { return CustomPrefix + Tag(c.Key) }

// Spec returns the rules of c.
func (c CustomTag) Spec() TagSpec {
	return TagSpec{IsNumber: c.Number, Max: math.MaxUint64, NoRead: c.NoRead, NoWrite: c.NoWrite}
}

// StandardTag returns the spec of a tag that every app has, and whether there is such a tag.
func StandardTag(tag Tag) (TagSpec, bool) {
	spec, ok := standardTags[tag]
	return spec, ok
}

// ValidCustom reports whether an app can declare t.
func (t Tag) ValidCustom() bool {
	key, ok := strings.CutPrefix(string(t), CustomPrefix)
	return ok && validCustomKey(key)
}

// Tag returns the spec of tag in a, standard or custom, and whether a has it.
func (a *App) Tag(tag Tag) (TagSpec, bool) {
	if spec, ok := StandardTag(tag); ok {
		return spec, true
	}
	key, ok := strings.CutPrefix(string(tag), CustomPrefix)
	if !ok {
		return TagSpec{}, false
	}
	for _, c := range a.Settings.CustomTags {
		if c.Key == key {
			return c.Spec(), true
		}
	}
	return TagSpec{}, false
}

// CheckTag applies the rules of a change of tag to v, and returns the value to store.
// Digits in a text become a number if the tag is a number and the app has the setting
// NumbersAsText, because the vendor's Java SDK can only send such texts. words are those of
// the app.
//
// Codes: UnknownTag, TagNotWritable, ValueType, ValueNotAllowed, ValueTooLong,
// SensitiveWord.
func (a *App) CheckTag(tag Tag, v Value, words *WordList) (Value, error) {
	spec, err := a.writable(tag)
	if err != nil {
		return v, err
	}
	if spec.IsNumber && !v.IsNumber && a.Settings.NumbersAsText {
		if n, err := strconv.ParseUint(v.Text, 10, 64); err == nil {
			v = Value{Number: n, IsNumber: true}
		}
	}
	if err := spec.Validate(tag, v); err != nil {
		return v, err
	}
	if words.FoundIn(v.Text) {
		return v, &Error{Code: SensitiveWord, Detail: fmt.Sprintf("%s holds a word that the app does not allow; change it", tag)}
	}
	return v, nil
}

// CheckClear applies the rules of a change of tag that clears it.
//
// Codes: UnknownTag, TagNotWritable.
func (a *App) CheckClear(tag Tag) error {
	_, err := a.writable(tag)
	return err
}

// writable returns the spec of a tag that admins may write.
//
// Codes: UnknownTag, TagNotWritable.
func (a *App) writable(tag Tag) (TagSpec, error) {
	spec, ok := a.Tag(tag)
	switch {
	case !ok:
		return spec, NoTag(tag)
	case spec.NoWrite:
		return spec, &Error{Code: TagNotWritable, Detail: fmt.Sprintf("the app does not let admins write %s; leave the tag out", tag)}
	}
	return spec, nil
}

// NoTag returns the error of a tag that an app does not have. Its Code is UnknownTag.
func NoTag(tag Tag) error {
	detail := "the app has no such tag; check its spelling or declare it"
	switch {
	case len(tag) > len(CustomPrefix)+MaxCustomKey+20:
		return &Error{Code: UnknownTag, Detail: detail} // too long for a tag: do not echo it
	case strings.HasPrefix(string(tag), StandardPrefix):
		detail = "there is no such standard tag, and none can be declared; check its spelling"
	}
	return &Error{Code: UnknownTag, Detail: fmt.Sprintf("%q: %s", tag, detail)}
}

// Tags returns the names of the tags of a. The standard tags come first, then the tags
// that a declares; each group is in alphabetical order.
func (a *App) Tags() []Tag {
	var custom []Tag
	for _, c := range a.Settings.CustomTags {
		custom = append(custom, c.Tag())
	}
	slices.Sort(custom)
	return append(slices.Sorted(maps.Keys(standardTags)), custom...)
}
