package api

import (
	"fmt"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// maxTagBytes is larger than the length of any tag.
const maxTagBytes = 64

// suggestTag returns err, with a suggestion if err says that the app lacks a
// tag. The unknown tag is the first of tags that the app does not have.
func (c *call) suggestTag(err error, tags []account.Tag) error {
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
