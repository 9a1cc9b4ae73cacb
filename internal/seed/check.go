package seed

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/directory"
)

// check checks the apps of f.
func (f *File) check(commands []string) error {
	seen := map[uint32]int{}
	for i := range f.apps {
		a, at := &f.apps[i], pointer("apps", i)
		if first := seen[a.SDKAppID]; first > 0 {
			return f.errorf(at, "app %d is in line %d already: keep all of it in one place", a.SDKAppID, first)
		}
		seen[a.SDKAppID] = f.lines[at]
		if a.Secret != "" && a.PublicKey != "" {
			return f.errorf(at+"/public_key", "app %d has a secret and a public key: give one of them", a.SDKAppID)
		}
		record := a.record()
		if !record.IsAdmin(account.Administrator) {
			record.Admins = append(record.Admins, account.Administrator)
		}
		if len(record.Keys) > 0 {
			if err := record.Keys[0].Validate(); err != nil {
				return f.errorf(at+"/secret", "app %d: %s", a.SDKAppID, account.DetailOf(err))
			}
			record.Keys[0].ID = "1"
		}
		if err := record.Validate(commands); err != nil {
			return f.errorf(at, "app %d: %s", a.SDKAppID, account.DetailOf(err))
		}
		if err := f.checkUsers(&record, a.Accounts, at); err != nil {
			return err
		}
		if a.Settings != nil { // otherwise those of the store decide
			if err := f.checkRoom(&record, a.Accounts, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// record returns the app that is created if the store has none with its id.
func (a *app) record() account.App {
	record := account.App{ID: account.AppID(a.SDKAppID), Name: a.Name, Edition: a.Edition, Test: true, Admins: slices.Clone(a.Admins)}
	if record.Edition == "" {
		record.Edition = account.Development
	}
	if a.Settings != nil {
		record.Settings = *a.Settings
	}
	if key := a.key(); key.Secret != "" {
		record.Keys = []account.Key{key}
	}
	return record
}

// key returns the key of a, which has no Secret if there is none.
func (a *app) key() account.Key {
	if a.PublicKey != "" {
		return account.Key{Kind: account.ECDSAKey, Secret: a.PublicKey}
	}
	return account.Key{Kind: account.HMACKey, Secret: a.Secret}
}

func (f *File) checkUsers(record *account.App, users []user, at jsontext.Pointer) error {
	seen := map[account.UserID]int{}
	for i, u := range users {
		at := at + pointer("accounts", i)
		if err := u.ID.Validate(record.Settings.StrictIDs); err != nil {
			return f.errorf(at, "%s", account.DetailOf(err))
		}
		if first := seen[u.ID]; first > 0 {
			return f.errorf(at, "account %s is in line %d already: keep one of the two", account.Quote(u.ID), first)
		}
		seen[u.ID] = f.lines[at]
		if _, err := u.changes(); err != nil {
			return f.errorf(at+"/profile", "%v", err)
		}
		if err := f.checkDevices(&u, at); err != nil {
			return err
		}
	}
	return nil
}

// changes returns the profile of u in the order of tags.
func (u *user) changes() ([]directory.Change, error) {
	var cs []directory.Change
	for tag, value := range u.Profile {
		c := directory.Change{Tag: tag}
		switch value.Kind() {
		case '"':
			_ = json.Unmarshal(value, &c.Value.Text) // a text always decodes
		case '0':
			if err := json.Unmarshal(value, &c.Value.Number); err != nil {
				return nil, fmt.Errorf("%s is not a whole number from 0 up", account.Quote(tag))
			}
			c.Value.IsNumber = true
		default:
			return nil, fmt.Errorf("%s is neither a text nor a whole number: correct its value", account.Quote(tag))
		}
		cs = append(cs, c)
	}
	slices.SortFunc(cs, func(a, b directory.Change) int {
		if a.Tag < b.Tag {
			return -1
		}
		return 1
	})
	return cs, nil
}

// pointer returns the pointer of an element of a list.
func pointer(list string, i int) jsontext.Pointer {
	return jsontext.Pointer(fmt.Sprintf("/%s/%d", list, i))
}
