package api

import (
	"fmt"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// maxTagBytes is more than any tag has.
const maxTagBytes = 64

// meantTag returns err, and if it refuses a tag that the app does not have, which is
// the first such one of tags, with the tag that was meant.
func (c *call) meantTag(err error, tags []account.Tag) error {
	if account.CodeOf(err) != account.UnknownTag {
		return err
	}
	i := slices.IndexFunc(tags, func(tag account.Tag) bool { _, ok := c.app.Tag(tag); return !ok })
	if i < 0 || len(tags[i]) > maxTagBytes {
		return err
	}
	var known []string
	for _, tag := range c.app.Tags() {
		known = append(known, string(tag))
	}
	for _, prefix := range []string{"", account.StandardPrefix, account.CustomPrefix} {
		if meant := wire.ClosestName(prefix+string(tags[i]), known); meant != "" {
			return &account.Error{Code: account.UnknownTag, Detail: fmt.Sprintf("%q: the app has no such tag; did you mean %s?", tags[i], meant)}
		}
	}
	return err
}
