package record

import (
	"time"

	"rollcall/internal/account"
)

// A Scanner decodes many accounts, one after the other, and reuses memory. It allocates
// nothing for most accounts. The zero Scanner is ready for use.
type Scanner struct {
	fields []account.Field
	tags   map[string]account.Tag // custom tags by key
}

// maxTags is how many custom tags a Scanner keeps. An app has far fewer.
const maxTags = 1000

// Scan decodes an account into a. The texts of a share the memory of id and value, and its
// profile that of the Scanner, so a is valid until either changes. Its only error is
// [ErrCorrupt].
func (s *Scanner) Scan(a *account.Account, id, value []byte) error {
	r := peek(value)
	h := r.head()
	*a = account.Account{
		ID: account.UserID(aliasOf(id)), InternalID: h.InternalID, Kicked: h.Kicked,
		Created: time.UnixMilli(h.Created).UTC(), Updated: time.UnixMilli(h.Updated).UTC(),
		Nick: r.Text(), FaceURL: r.Text(),
	}
	s.fields = s.fields[:0]
	for n := r.Uvarint(); n > 0 && !r.bad; n-- { // n may be anything
		f := r.fieldOf(s.customTag)
		r.bad = r.bad || len(s.fields) > 0 && s.fields[len(s.fields)-1].Tag >= f.Tag
		s.fields = append(s.fields, f)
	}
	if r.bad || r.rest != "" {
		return ErrCorrupt
	}
	if len(s.fields) > 0 {
		a.Profile = s.fields
	}
	return nil
}

// customTag returns the custom tag of a key. It does not keep key.
func (s *Scanner) customTag(key string) account.Tag {
	if tag, ok := s.tags[key]; ok {
		return tag
	}
	tag := customTagOf(key)
	if s.tags == nil {
		s.tags = map[string]account.Tag{}
	}
	if len(s.tags) < maxTags {
		s.tags[string(tag[len(account.CustomPrefix):])] = tag
	}
	return tag
}
