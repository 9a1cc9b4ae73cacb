package directory

import (
	"context"
	"log/slog"

	"rollcall/internal/account"
)

// A Change sets one tag of a profile.
type Change struct {
	Tag       account.Tag
	Value     account.Value
	Malformed bool // the value is neither text nor an unsigned integer
	Clear     bool // clears the tag, whatever values it takes; Value is ignored
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
	if id.IsRobot() {
		return d.setRobotFields(ctx, app, id, fields)
	}
	return d.setFields(ctx, app, id, fields, nothingElse)
}

// setFields sets fields that CheckProfile has returned. also returns further writes for the
// same commit.
func (d *Directory) setFields(ctx context.Context, app *account.App, id account.UserID, fields []account.Field, also also) error {
	d.warnLong(app, fields)
	return d.update(ctx, app, d.Now(app.ID), change{account.EventChanged, account.Patch{ID: id, Fields: fields}, also})
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

// Profiles returns the whole accounts of ids, in order. An account that does not exist
// has InternalID 0. Profiles first checks whether the caller may read tags.
//
// Codes: UnknownTag, TagNotReadable.
func (d *Directory) Profiles(ctx context.Context, app *account.App, ids []account.UserID, tags []account.Tag) ([]account.Account, error) {
	for _, tag := range tags {
		spec, ok := app.Tag(tag)
		switch {
		case !ok:
			return nil, account.NoTag(tag)
		case spec.NoRead:
			return nil, &account.Error{Code: account.TagNotReadable}
		}
	}
	return d.lookup(ctx, app, ids)
}
