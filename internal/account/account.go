package account

import (
	"cmp"
	"slices"
	"time"
)

// An Account is one entry of an app's directory.
type Account struct {
	ID UserID

	// InternalID is assigned by the first successful import and never changes.
	// It is unique across apps, fits 63 bits and is never reused, not even after
	// a deletion. Zero means that the account does not exist.
	InternalID uint64

	Nick    string // Tag_Profile_IM_Nick; empty means not set
	FaceURL string // Tag_Profile_IM_Image; empty means not set

	// Profile holds the other tags, sorted by tag, none twice.
	Profile []Field

	Created time.Time // whole milliseconds
	Updated time.Time // whole milliseconds; the latest change of any kind

	// Kicked is the watermark of the last kick in unix seconds. A UserSig signed
	// before it is refused (protocol.md §3.5). 0 means that there was no kick, and
	// [Unkicked] that it was cleared; neither refuses a UserSig. The watermark
	// belongs to the id, so it survives deletion and re-import.
	Kicked int64
}

// Unkicked is the watermark of an id whose kicks were cleared. It differs from 0
// because an engine must know that there was a kick.
const Unkicked int64 = -1

// A Field is one tag of a profile and its value.
type Field struct {
	Tag   Tag   `json:"tag"`
	Value Value `json:"value"`
}

// A Value is a text or a number, depending on the [TagSpec] of its tag.
type Value struct {
	Text     string `json:"text,omitempty"`
	Number   uint64 `json:"number,omitempty"`
	IsNumber bool   `json:"is_number,omitempty"`
}

// Unset reports whether v is the empty text, which clears a field.
func (v Value) Unset() bool { return !v.IsNumber && v.Text == "" }

// Field returns the value of tag, and whether it is set.
func (a *Account) Field(tag Tag) (Value, bool) {
	switch tag {
	case TagNick:
		return Value{Text: a.Nick}, a.Nick != ""
	case TagImage:
		return Value{Text: a.FaceURL}, a.FaceURL != ""
	}
	i, ok := a.find(tag)
	if !ok {
		return Value{}, false
	}
	return a.Profile[i].Value, true
}

// SetField stores f, or clears the tag if the value of f is unset. It never changes
// a Profile slice in place, so copies of the account do not change.
func (a *Account) SetField(f Field) {
	switch f.Tag {
	case TagNick:
		a.Nick = f.Value.Text
		return
	case TagImage:
		a.FaceURL = f.Value.Text
		return
	}
	i, found := a.find(f.Tag)
	profile := slices.Clone(a.Profile)
	switch {
	case f.Value.Unset() && found:
		profile = slices.Delete(profile, i, i+1)
	case f.Value.Unset():
	case found:
		profile[i] = f
	default:
		profile = slices.Insert(profile, i, f)
	}
	a.Profile = profile
}

func (a *Account) find(tag Tag) (int, bool) {
	return slices.BinarySearchFunc(a.Profile, tag, func(f Field, t Tag) int { return cmp.Compare(f.Tag, t) })
}
