package directory

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Actions of changes of accounts in the audit trail. Changes through the vendor's protocol
// have no entries.
const (
	AddAction    = "account.add"
	ChangeAction = "account.change"
	DeleteAction = "account.delete"
	KickAction   = "account.kick"
	UnkickAction = "account.unkick"

	EndDeviceAction = "device.end"
)

// AddAccount creates an account under the rules of [Directory.Import], and then sets tags of
// it under those of [Directory.SetProfile]. It checks changes first. The audit entry is in
// the commit that creates the account.
//
// Codes: NoApp, Exists, InvalidID, Tombstoned, QuotaFull, and those of SetProfile. If the
// tags cannot be stored, the Detail says that the account exists by then.
func (d *Directory) AddAccount(ctx context.Context, actor string, id account.AppID, user account.UserID, changes []Change) error {
	app, err := d.App(ctx, id)
	if err != nil {
		return err
	}
	fields, err := d.CheckProfile(app, changes)
	if err != nil {
		return err
	}
	if err := d.create(ctx, actor, app, user); err != nil || len(fields) == 0 {
		return err
	}
	if err := d.setFields(ctx, app, user, fields, nothingElse); err != nil {
		return &account.Error{
			Code: account.CodeOf(err), Detail: "the account was created, but perhaps without its profile; read the account, then change it", Err: err,
		}
	}
	return nil
}

// create creates an account without a profile. An account that exists stays as it is, even
// if it was created at the same moment.
func (d *Directory) create(ctx context.Context, actor string, app *account.App, user account.UserID) error {
	entry := d.entry(ctx, actor, AddAction, app.ID, string(user))
	results, err := d.Load(ctx, app, []account.Upsert{{ID: user}}, func(rs []LoadResult) []account.Write {
		if !rs[0].Created {
			return nil
		}
		return records.EntryWrites(entry)
	})
	if err != nil {
		return err
	}
	if results[0].Code == account.Tombstoned {
		return d.tombstoned(ctx, app, user)
	}
	if err := results[0].Err(); err != nil {
		return err
	}
	if !results[0].Created {
		return &account.Error{Code: account.Exists, Detail: "the app has an account with that UserID; change that one"}
	}
	return nil
}

// tombstoned returns the error of an id that cannot be used again yet.
func (d *Directory) tombstoned(ctx context.Context, app *account.App, user account.UserID) error {
	_, until, err := d.Tombstone(ctx, app.ID, user)
	if err != nil {
		return err
	}
	detail := "the account was deleted; wait until its UserID can be used again, or change the setting tombstone_days"
	if !until.IsZero() {
		detail = fmt.Sprintf("the account was deleted, and its UserID can be used again from %s; wait until then, or change the setting tombstone_days", until.Format(time.RFC3339))
	}
	return &account.Error{Code: account.Tombstoned, Detail: detail}
}

// ChangeAccount is [Directory.SetProfile] with an audit entry in the same commit. The entry
// names the tags, not their values.
//
// Codes: NoApp, InvalidID, and those of SetProfile.
func (d *Directory) ChangeAccount(ctx context.Context, actor string, id account.AppID, user account.UserID, changes []Change) error {
	app, err := d.App(ctx, id)
	if err != nil {
		return err
	}
	if err := user.Validate(false); err != nil {
		return err
	}
	fields, err := d.CheckProfile(app, changes)
	if err != nil {
		return err
	}
	tags := make([]string, len(fields))
	for i, f := range fields {
		tags[i] = string(f.Tag)
	}
	entry := d.entry(ctx, actor, ChangeAction, id, fmt.Sprintf("%s: %s", user, strings.Join(tags, ", ")))
	return d.setFields(ctx, app, user, fields, withEntry(entry))
}

// withEntry returns an also that writes entry if the change of a single account succeeds.
func withEntry(entry account.AuditEntry) also {
	return func(_ []account.UserID, codes []account.Code) []account.Write {
		if codes[0] != account.OK {
			return nil
		}
		return records.EntryWrites(entry)
	}
}

// DeleteAccounts is [Directory.Delete] with one audit entry in the same commit. The entry
// has the number of the deleted accounts and the first of their ids. There is none if no
// account was deleted. ids may contain up to [account.LoadBatch] ids.
//
// Codes: NoApp, and those of Delete.
func (d *Directory) DeleteAccounts(ctx context.Context, actor string, id account.AppID, ids []account.UserID) ([]Result, error) {
	app, err := d.App(ctx, id)
	if err != nil {
		return nil, err
	}
	entry := d.entry(ctx, actor, DeleteAction, id, "")
	return d.delete(ctx, app, ids, func(ids []account.UserID, codes []account.Code) []account.Write {
		var deleted []account.UserID
		for i, c := range codes {
			if c == account.OK {
				deleted = append(deleted, ids[i])
			}
		}
		if len(deleted) == 0 {
			return nil
		}
		by := entry
		by.Detail = namesOf(deleted)
		return records.EntryWrites(by)
	})
}

// maxNames is the largest number of ids in an audit entry.
const maxNames = 10

// namesOf names accounts for an audit entry: one by its id, several by their number and the
// first ids in quotes.
func namesOf(ids []account.UserID) string {
	if len(ids) == 1 {
		return string(ids[0])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d accounts: ", len(ids))
	for i, id := range ids[:min(len(ids), maxNames)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(account.Quote(id))
	}
	if len(ids) > maxNames {
		b.WriteString(", …")
	}
	return b.String()
}

// KickAccount is [Directory.Kick] with an audit entry in the same commit.
//
// Codes: NoApp, InvalidID, NoAccount.
func (d *Directory) KickAccount(ctx context.Context, actor string, id account.AppID, user account.UserID) error {
	app, err := d.App(ctx, id)
	if err != nil {
		return err
	}
	return d.kick(ctx, app, user, withEntry(d.entry(ctx, actor, KickAction, id, string(user))))
}

// Unkick clears the watermark of an account, with an audit entry in the same commit.
// UserSigs that were signed before its kicks are valid again.
//
// Codes: NoApp, InvalidID, NoAccount.
func (d *Directory) Unkick(ctx context.Context, actor string, id account.AppID, user account.UserID) error {
	app, err := d.App(ctx, id)
	if err != nil {
		return err
	}
	if err := user.Validate(false); err != nil {
		return err
	}
	entry := d.entry(ctx, actor, UnkickAction, id, string(user))
	patch := account.Patch{ID: user, Kicked: account.Unkicked}
	return d.update(ctx, app, d.Now(id), change{account.EventUnkicked, patch, withEntry(entry)})
}
