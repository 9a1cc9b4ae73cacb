package directory

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"rollcall/internal/account"
)

// A Change sets one tag of a profile.
type Change struct {
	Tag       account.Tag
	Value     account.Value
	Malformed bool // the value is neither text nor an unsigned integer
}

// SetProfile changes tags of one account. It applies either all changes or none. An empty
// text clears a tag. The error is that of the first change that breaks a rule.
//
// Codes: UnknownTag, TagNotWritable, ValueType, ValueNotAllowed, ValueTooLong,
// SensitiveWord, NoAccount.
func (d *Directory) SetProfile(ctx context.Context, app *account.App, id account.UserID, changes []Change) error {
	fields, err := d.CheckProfile(app, changes)
	if err != nil {
		return err
	}
	d.warnLong(app, fields)
	return d.update(ctx, app, account.EventChanged, d.Now(app.ID), account.Patch{ID: id, Fields: fields})
}

func (d *Directory) checkChange(app *account.App, c Change) error {
	spec, ok := app.Tag(c.Tag)
	switch {
	case !ok:
		return unknownTag(c.Tag)
	case spec.NoWrite:
		return &account.Error{Code: account.TagNotWritable}
	case c.Malformed:
		c.Value = account.Value{IsNumber: !spec.IsNumber} // of the wrong type, too
	}
	if err := spec.Validate(c.Tag, c.Value); err != nil {
		return err
	}
	if d.wordsOf(app).FoundIn(c.Value.Text) {
		return &account.Error{Code: account.SensitiveWord, Detail: fmt.Sprintf("%s holds a word that the app does not allow; change it", c.Tag)}
	}
	return nil
}

// warnLong logs fields that are longer than an older limit of the vendor.
func (d *Directory) warnLong(app *account.App, fields []account.Field) {
	for _, f := range fields {
		if spec, _ := app.Tag(f.Tag); spec.WarnBytes > 0 && len(f.Value.Text) > spec.WarnBytes {
			d.lg.Warn("profile value over the older limit", slog.Any("sdkappid", app.ID), slog.Any("tag", f.Tag),
				slog.Int("bytes", len(f.Value.Text)), slog.Int("older_limit", spec.WarnBytes))
		}
	}
}

// numeric converts digits in the text of c to a number if the tag is a number and the app
// has the setting NumbersAsText. The vendor's Java SDK can only send such texts.
func numeric(app *account.App, c Change) Change {
	spec, ok := app.Tag(c.Tag)
	if !ok || !spec.IsNumber || c.Malformed || c.Value.IsNumber || !app.Settings.NumbersAsText {
		return c
	}
	if n, err := strconv.ParseUint(c.Value.Text, 10, 64); err == nil {
		c.Value = account.Value{Number: n, IsNumber: true}
	}
	return c
}

func unknownTag(tag account.Tag) error {
	detail := "the app has no such tag; check its spelling or declare it"
	switch {
	case len(tag) > len(account.CustomPrefix)+account.MaxCustomKey+20:
		return &account.Error{Code: account.UnknownTag, Detail: detail} // too long for a tag: do not echo it
	case strings.HasPrefix(string(tag), account.StandardPrefix):
		detail = "there is no such standard tag, and none can be declared; check its spelling"
	}
	return &account.Error{Code: account.UnknownTag, Detail: fmt.Sprintf("%q: %s", tag, detail)}
}

// Profiles returns the whole accounts of ids, in order. An account that does not exist
// has InternalID 0. Profiles first checks whether the caller may read tags.
//
// Codes: UnknownTag, TagNotReadable.
func (d *Directory) Profiles(ctx context.Context, app *account.App, ids []account.UserID, tags []account.Tag) ([]account.Account, error) {
	for _, tag := range tags {
		spec, ok := app.Tag(tag)
		switch {
		case !ok:
			return nil, unknownTag(tag)
		case spec.NoRead:
			return nil, &account.Error{Code: account.TagNotReadable}
		}
	}
	return d.store.Lookup(ctx, app.ID, ids)
}
