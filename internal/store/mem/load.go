package mem

import (
	"context"
	"strings"

	"rollcall/internal/account"
)

var _ account.Loader = (*Store)(nil)

// Numbers implements [account.Loader].
func (s *Store) Numbers(ctx context.Context) (n account.Numbers, err error) {
	err = s.locked(ctx, func(st *state) error {
		n = account.Numbers{Commit: st.number, InternalID: st.lastID}
		return nil
	})
	return n, err
}

// LoadAccounts implements [account.Loader].
func (s *Store) LoadAccounts(ctx context.Context, app account.AppID, rows []account.Exported, ws []account.Write) error {
	if err := account.ValidateLoad(rows, ws); err != nil {
		return err
	}
	return s.writing(ctx, app, func(st *state, d *space) ([]account.Write, error) {
		if err := st.refuseWrites(ws); err != nil {
			return nil, err
		}
		for i := range rows {
			s.load(st, d, &rows[i])
		}
		return ws, nil
	})
}

// load replaces what d contains of an id by a row.
func (s *Store) load(st *state, d *space, e *account.Exported) {
	id := account.UserID(strings.Clone(string(e.ID)))
	before := d.kick[id]
	delete(d.live, id)
	delete(d.gone, id)
	delete(d.kick, id)
	if e.Kicked != 0 {
		d.kick[id] = e.Kicked
	}
	if e.Kicked != before {
		s.publish(event{app: d.app, id: id, before: before})
	}
	if e.Gone() {
		d.gone[id] = account.Millis(e.Deleted)
		return
	}
	d.live[id] = ownedAccount(id, &e.Account)
	st.lastID = max(st.lastID, e.InternalID)
}

// ownedAccount returns the account id as it is stored: a copy of a that shares nothing
// with it.
func ownedAccount(id account.UserID, a *account.Account) account.Account {
	c := *a
	c.ID, c.Nick, c.FaceURL = id, strings.Clone(a.Nick), strings.Clone(a.FaceURL)
	c.Created, c.Updated = account.Millis(a.Created), account.Millis(a.Updated)
	c.Profile = nil
	for _, f := range a.Profile {
		f.Tag, f.Value.Text = account.Tag(strings.Clone(string(f.Tag))), strings.Clone(f.Value.Text)
		c.Profile = append(c.Profile, f)
	}
	return c
}

// LoadRecords implements [account.Loader].
func (s *Store) LoadRecords(ctx context.Context, ws []account.Write, above account.Numbers) error {
	if err := account.ValidateLoadRecords(ws); err != nil {
		return err
	}
	return s.locked(ctx, func(st *state) error {
		if err := st.refuseWrites(ws); err != nil {
			return err
		}
		st.number = max(st.number, above.Commit)
		st.lastID = max(st.lastID, above.InternalID)
		s.write(st, ws)
		return nil
	})
}
