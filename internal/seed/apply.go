package seed

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/directory"
)

// A Result says what a file contains.
type Result struct {
	Apps, Accounts, Devices int
}

// Apply creates and changes the apps, accounts and devices of f. An app of f is created as a test
// app; an app that exists must be one. Accounts are imported even if they were deleted
// before. If Apply fails, it may have applied a part of f, and can be repeated. The error is
// one sentence with the file and the line.
func (f *File) Apply(ctx context.Context, dir *directory.Directory) (r Result, err error) {
	for i := range f.apps {
		a, at := &f.apps[i], pointer("apps", i)
		record, err := f.applyApp(ctx, dir, a, at)
		if err == nil {
			err = f.checkRoom(record, a.Accounts, at)
		}
		if err == nil {
			err = f.applyUsers(ctx, dir, record, a.Accounts, at)
		}
		if err == nil {
			err = f.applyDevices(ctx, dir, record, a.Accounts, at)
		}
		if err != nil {
			return r, err
		}
		r.Apps++
		r.Accounts += len(a.Accounts)
		for _, u := range a.Accounts {
			r.Devices += len(u.Devices)
		}
	}
	return r, nil
}

// applyApp creates an app, or changes it where it differs from the file.
func (f *File) applyApp(ctx context.Context, dir *directory.Directory, a *app, at jsontext.Pointer) (*account.App, error) {
	id := account.AppID(a.SDKAppID)
	record, err := dir.App(ctx, id)
	if account.CodeOf(err) == account.NoApp {
		if a.key().Secret == "" && (a.Settings == nil || !a.Settings.AnySignature) {
			return nil, f.errorf(at, "app %d is new and has no key: give it a secret, a public_key or the setting any_signature", id)
		}
		record, err = dir.EnsureApp(ctx, directory.ServerActor, a.record())
	}
	if err == nil && !record.Test {
		return nil, f.errorf(at, "app %d exists and is not a test app, which is the only kind that a seed file may change: choose another sdkappid", id)
	}
	if err == nil {
		record, err = changeApp(ctx, dir, a, record)
	}
	if err != nil {
		return nil, f.failed(at, fmt.Sprintf("app %d", id), err)
	}
	return record, nil
}

// failed returns an error of a directory with its place.
func (f *File) failed(at jsontext.Pointer, what string, err error) error {
	if detail := account.DetailOf(err); detail != "" {
		return f.errorf(at, "%s: %s", what, detail)
	}
	return f.errorf(at, "%s: %v", what, err)
}

func changeApp(ctx context.Context, dir *directory.Directory, a *app, record *account.App) (*account.App, error) {
	next := record.Clone()
	a.merge(&next)
	var err error
	if next.Name != record.Name || next.Edition != record.Edition || !reflect.DeepEqual(next.Settings, record.Settings) {
		change := directory.AppChange{App: record.ID, Action: "app.change", Detail: "seed", Apply: func(current *account.App) error {
			a.merge(current)
			return nil
		}}
		if record, err = dir.ChangeApp(ctx, directory.ServerActor, change); err != nil {
			return nil, err
		}
	}
	if key := a.key(); key.Secret != "" && !slices.ContainsFunc(record.ActiveKeys(dir.Now(record.ID)), key.SameSecret) {
		if record, err = dir.AddConfiguredKey(ctx, directory.ServerActor, record.ID, key, ""); err != nil {
			return nil, err
		}
	}
	for _, admin := range a.Admins {
		if record.IsAdmin(admin) {
			continue
		}
		if record, err = dir.AddAdmin(ctx, directory.ServerActor, record.ID, admin); err != nil {
			return nil, err
		}
	}
	return record, nil
}

// merge sets what the file gives in a record.
func (a *app) merge(record *account.App) {
	if a.Name != "" {
		record.Name = a.Name
	}
	if a.Edition != "" {
		record.Edition = a.Edition
	}
	if a.Settings != nil {
		record.Settings = *a.Settings
	}
}

// batch is how many accounts are imported and read at once.
const batch = 1000

func (f *File) applyUsers(ctx context.Context, dir *directory.Directory, record *account.App, users []user, at jsontext.Pointer) error {
	for start := 0; start < len(users); start += batch {
		part := users[start:min(start+batch, len(users))]
		items, ids := make([]account.Upsert, len(part)), make([]account.UserID, len(part))
		for i, u := range part {
			items[i], ids[i] = account.Upsert{ID: u.ID, Nick: u.Nick, FaceURL: u.FaceURL}, u.ID
		}
		results, err := dir.ImportDeleted(ctx, record, items)
		if err != nil {
			return f.failed(at, fmt.Sprintf("the accounts of app %d", record.ID), err)
		}
		for i, r := range results {
			if err := r.Err(); err != nil {
				return f.failed(at+pointer("accounts", start+i), "account "+account.Quote(part[i].ID), err)
			}
		}
		stored, err := dir.Profiles(ctx, record, ids, nil)
		if err != nil {
			return f.failed(at, fmt.Sprintf("the accounts of app %d", record.ID), err)
		}
		for i := range part {
			if err := applyProfile(ctx, dir, record, &part[i], &stored[i]); err != nil {
				return f.failed(at+pointer("accounts", start+i)+"/profile", "account "+account.Quote(part[i].ID), err)
			}
		}
	}
	return nil
}

// applyProfile sets the tags of u that differ from the stored account.
func applyProfile(ctx context.Context, dir *directory.Directory, record *account.App, u *user, stored *account.Account) error {
	changes, err := u.changes()
	if err != nil {
		return err
	}
	changes = slices.DeleteFunc(changes, func(c directory.Change) bool {
		v, _ := stored.Field(c.Tag)
		return v == c.Value
	})
	if len(changes) == 0 {
		return nil
	}
	return dir.SetProfile(ctx, record, u.ID, changes)
}
