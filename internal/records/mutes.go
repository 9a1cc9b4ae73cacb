package records

import (
	"context"
	"slices"

	"rollcall/internal/account"
)

// A Mute says until when an account must not send messages. A time is in unix seconds by
// the clock of the app. 0 means not muted, and [MutedForEver] that the mute has no end.
type Mute struct {
	// InternalID is that of the muted account. The mute is void for an account that has
	// the UserID later.
	InternalID uint64 `json:"id"`

	C2C   int64 `json:"c2c,omitzero"`   // end for one-to-one messages
	Group int64 `json:"group,omitzero"` // end for messages to groups
}

// MutedForEver is the end of a mute without an end.
const MutedForEver int64 = 1<<32 - 1

// MaxSavedMutes is the largest number of mutes that [Registry.SavedMutes] returns and
// [Registry.ReplaceMutes] writes. Twice as many fit into a commit beside the imports and
// the robots of an app.
const MaxSavedMutes = 300

// A StoredMute is a mute with its account and the version of its record.
type StoredMute struct {
	Mute
	UserID  account.UserID
	Version uint64
}

func muteKey(app account.AppID, id account.UserID) string { return appPrefix(app) + string(id) }

// Mute returns the mute of an id. Without one it returns the zero Mute.
func (r *Registry) Mute(ctx context.Context, app account.AppID, id account.UserID) (Mute, error) {
	m, _, err := r.storedMute(ctx, app, id)
	return m, err
}

func (r *Registry) storedMute(ctx context.Context, app account.AppID, id account.UserID) (Mute, uint64, error) {
	rec, err := r.e.Record(ctx, kindMute, muteKey(app, id))
	if account.CodeOf(err) == account.NoRecord {
		return Mute{}, 0, nil
	}
	if err != nil {
		return Mute{}, 0, err
	}
	m, err := decode[Mute](rec.Value)
	if err != nil {
		return Mute{}, 0, damaged(kindMute, rec.Key, err)
	}
	return *m, rec.Version, nil
}

// ChangeMute replaces the mute of an id by what fn returns for it. fn gets the zero Mute
// if there is none, and removes a mute by returning one without times. It can run several
// times, because another change may come first.
func (r *Registry) ChangeMute(ctx context.Context, app account.AppID, id account.UserID, fn func(Mute) Mute) error {
	for {
		stored, version, err := r.storedMute(ctx, app, id)
		if err != nil {
			return err
		}
		next := fn(stored)
		w := account.Write{Kind: kindMute, Key: muteKey(app, id), If: version}
		if next.C2C != 0 || next.Group != 0 {
			w.Value = encode(next)
		}
		if w.Value == nil && version == 0 {
			return nil // there is nothing to remove
		}
		_, err = r.e.Commit(ctx, account.Commit{Writes: []account.Write{w}})
		if account.CodeOf(err) != account.Stale {
			return err
		}
	}
}

// Mutes returns mutes of an app in the order of their ids, after the key after. next is
// the value of after for the next page, "" for the last one. App 0 means all apps, one
// after the other.
func (r *Registry) Mutes(ctx context.Context, app account.AppID, after string, limit int) (list map[account.AppID][]StoredMute, next string, err error) {
	q := account.RecordQuery{Kind: kindMute, After: after, Limit: limit}
	if app != 0 {
		q.Prefix = appPrefix(app)
	}
	page, err := r.e.Records(ctx, q)
	if err != nil {
		return nil, "", err
	}
	list = map[account.AppID][]StoredMute{}
	for _, rec := range page.Records {
		of, id, err := splitKey(kindMute, rec.Key)
		if err != nil {
			return nil, "", err
		}
		m, err := decode[Mute](rec.Value)
		if err != nil {
			return nil, "", damaged(kindMute, rec.Key, err)
		}
		list[of] = append(list[of], StoredMute{*m, id, rec.Version})
	}
	return list, page.Next, nil
}

// splitKey returns the app and the UserID of a key that is appPrefix and a UserID.
func splitKey(kind account.Kind, key string) (account.AppID, account.UserID, error) {
	if len(key) <= appKeyDigits || key[appKeyDigits] != '/' {
		return 0, "", damaged(kind, key, nil)
	}
	app, err := parseAppKey(key[:appKeyDigits])
	return app, account.UserID(key[appKeyDigits+1:]), err
}

// RemoveMutes removes mutes of an app that have not changed since they were read. list has
// at most [account.MaxWrites] of them.
func (r *Registry) RemoveMutes(ctx context.Context, app account.AppID, list []StoredMute) error {
	if err := r.removeMutes(ctx, app, list); account.CodeOf(err) != account.Stale {
		return err
	}
	for _, m := range list { // one of them has changed, and the others are removed one by one
		if err := r.removeMutes(ctx, app, []StoredMute{m}); err != nil && account.CodeOf(err) != account.Stale {
			return err
		}
	}
	return nil
}

func (r *Registry) removeMutes(ctx context.Context, app account.AppID, list []StoredMute) error {
	ws := make([]account.Write, len(list))
	for i, m := range list {
		ws[i] = account.Write{Kind: kindMute, Key: muteKey(app, m.UserID), If: m.Version}
	}
	_, err := r.e.Commit(ctx, account.Commit{Writes: ws})
	return err
}

// SavedMutes returns all mutes of an app for [Registry.ReplaceMutes].
//
// Codes: Conflict if the app has more than [MaxSavedMutes].
func (r *Registry) SavedMutes(ctx context.Context, app account.AppID) ([]StoredMute, error) {
	list, next, err := r.Mutes(ctx, app, "", MaxSavedMutes)
	if err == nil && next != "" {
		err = &account.Error{Code: account.Conflict}
	}
	return list[app], err
}

// ReplaceMutes returns the writes that replace all mutes of an app by saved ones, for a
// commit that replaces its accounts. Mutes above [MaxSavedMutes] are removed beforehand.
func (r *Registry) ReplaceMutes(ctx context.Context, app account.AppID, saved []StoredMute) ([]account.Write, error) {
	for {
		list, next, err := r.Mutes(ctx, app, "", MaxSavedMutes)
		if err != nil {
			return nil, err
		}
		if next != "" {
			if err := r.RemoveMutes(ctx, app, list[app]); err != nil {
				return nil, err
			}
			continue
		}
		return replacedMutes(app, list[app], saved), nil
	}
}

func replacedMutes(app account.AppID, present, saved []StoredMute) (ws []account.Write) {
	for _, m := range saved {
		ws = append(ws, account.Write{Kind: kindMute, Key: muteKey(app, m.UserID), Value: encode(m.Mute), If: account.AnyVersion})
	}
	for _, m := range present {
		if !slices.ContainsFunc(saved, func(s StoredMute) bool { return s.UserID == m.UserID }) {
			ws = append(ws, account.Write{Kind: kindMute, Key: muteKey(app, m.UserID), If: account.AnyVersion})
		}
	}
	return ws
}
