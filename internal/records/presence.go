package records

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/account"
)

// A Presence contains the login sessions of an account. Package session has the rules that
// change it. All times are Unix milliseconds by the clock of the app.
type Presence struct {
	// Account is the InternalID of the account. An account that was deleted and imported
	// again has another one, and thus none of these login sessions.
	Account uint64 `json:"a"`

	Devices   []Device `json:"d,omitempty"`
	Status    string   `json:"s,omitempty"` // custom status of the account
	LastEvent int64    `json:"e,omitempty"` // EventTime of the newest event
	Replaced  []Device `json:"r,omitempty"` // newest devices that gave way to others, oldest first
}

// A Device is a device that is logged in.
type Device struct {
	ID       uint64           `json:"i"`           // Instid; below 2^53
	Instance string           `json:"n,omitempty"` // what the device calls itself
	Platform account.Platform `json:"p"`
	Address  netip.Addr       `json:"ip,omitzero"`
	Login    int64            `json:"l"`
	Expires  int64            `json:"x,omitempty"` // expiry of its UserSig; 0 without one
	Silent   int64            `json:"q,omitempty"` // when its silence ends the link; 0 if it is not silent
	Closed   bool             `json:"c,omitempty"` // with Silent: the end will be seen as a closed link
	Vouched  int64            `json:"v,omitempty"` // how long a gateway vouches for the link; 0 if none holds it
	Lost     int64            `json:"o,omitempty"` // end of its link; 0 while the device is online

	// Node is the ID of the [Node] that holds its link, and Link tells the link apart from
	// others there. Both are zero for a device without a link, for one that is silent, and
	// for one that only the admin API knows.
	Node string `json:"h,omitempty"`
	Link uint64 `json:"k,omitempty"`
}

// Clone returns a copy of p that shares nothing with it.
func (p *Presence) Clone() *Presence {
	c := *p
	c.Devices, c.Replaced = slices.Clone(p.Devices), slices.Clone(p.Replaced)
	return &c
}

// A PresenceChange is the change of the login sessions of an account.
type PresenceChange struct {
	App  account.AppID
	User account.UserID

	// Next is what is stored, and then what shall be stored. Nil is no record. A Presence
	// that was read must not be changed, but replaced.
	Next *Presence

	Due int64 // when Next changes by itself; 0 for never
	was presenceEntry
}

// ChangePresences changes the login sessions of accounts in one commit. fn gets them as they
// are, sets Next and Due of each, and returns further writes for the commit. users has at
// most [MaxPresences] ids, all different. After the commit it calls then, before any other
// change of these accounts by this Registry; then must not change any of them.
//
// Codes: Stale if another change of one of them came first, and those of fn.
func (r *Registry) ChangePresences(ctx context.Context, app account.AppID, users []account.UserID, fn func([]PresenceChange) ([]account.Write, error), then func()) error {
	unlock, err := r.presenceLocks.lock(ctx, app, users)
	if err != nil {
		return err
	}
	defer unlock()
	changes, err := r.presencesToChange(ctx, app, users)
	if err != nil {
		return err
	}
	ws, err := fn(changes)
	if err != nil {
		return err
	}
	ws = slices.Clip(ws)
	for _, c := range changes {
		ws = append(ws, c.writes()...)
	}
	if len(ws) > 0 {
		_, err := r.e.Commit(ctx, account.Commit{Writes: ws})
		if m := r.memory.Load(); m != nil { // perhaps since the change has begun
			m.committed(changes, err)
		}
		if err != nil {
			return err
		}
	}
	then()
	return nil
}

// presencesToChange returns the login sessions of accounts, as changes that change nothing
// yet.
func (r *Registry) presencesToChange(ctx context.Context, app account.AppID, users []account.UserID) ([]PresenceChange, error) {
	entries, err := r.entries(ctx, app, users)
	if err != nil {
		return nil, err
	}
	changes := make([]PresenceChange, len(users))
	for i, e := range entries {
		changes[i] = PresenceChange{app, users[i], e.Presence, e.due, e}
	}
	return changes, nil
}

// A storedPresence is the record of a Presence.
type storedPresence struct {
	Presence
	Due int64 `json:"u,omitempty"` // in the key of its kindDue
}

// Presences returns the login sessions of accounts, in the order of users. An account
// without any has nil. They are shared and must not be changed.
func (r *Registry) Presences(ctx context.Context, app account.AppID, users []account.UserID) ([]*Presence, error) {
	entries, err := r.entries(ctx, app, users)
	if err != nil {
		return nil, err
	}
	found := make([]*Presence, len(users))
	for i, e := range entries {
		found[i] = e.Presence
	}
	return found, nil
}

// entries returns the login sessions of accounts from memory, and what is not there from the
// engine.
func (r *Registry) entries(ctx context.Context, app account.AppID, users []account.UserID) ([]presenceEntry, error) {
	m := r.memory.Load()
	if m == nil {
		return r.storedEntries(ctx, app, users)
	}
	found, unknown := m.find(app, users)
	if len(unknown) == 0 {
		return found, nil
	}
	rest := make([]account.UserID, len(unknown))
	for i, at := range unknown {
		rest[i] = users[at]
	}
	stored, err := r.storedEntries(ctx, app, rest)
	if err != nil {
		return nil, err
	}
	for i, at := range unknown {
		found[at] = stored[i]
	}
	return found, nil
}

// storedEntries returns the login sessions of accounts from the engine.
func (r *Registry) storedEntries(ctx context.Context, app account.AppID, users []account.UserID) ([]presenceEntry, error) {
	entries := make([]presenceEntry, 0, len(users))
	for some := range slices.Chunk(users, account.MaxListLimit) {
		keys := make([]string, len(some))
		for i, user := range some {
			keys[i] = presenceKey(app, user)
		}
		recs, err := r.e.RecordsAt(ctx, kindPresence, keys)
		if err != nil {
			return nil, err
		}
		for _, rec := range recs {
			e, err := presenceOf(rec)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// NoPresence reports whether no account of any app has a login session. It costs no more than
// a look-up in memory, so the calls of a service without login sessions cost nothing more. In
// a shared engine it sees the first login of all up to [account.MaxStale] late.
func (r *Registry) NoPresence(ctx context.Context) (bool, error) {
	if r.seenPresence.Load() {
		return false, nil
	}
	now := r.e.Changes(kindPresence) + 1 // 0 is none
	if r.nonePresence.Load() == now {
		return true, nil
	}
	app, err := r.NextPresence(ctx, 0)
	switch {
	case err != nil:
		return false, err
	case app != 0:
		r.seenPresence.Store(true)
		return false, nil
	}
	r.nonePresence.Store(now)
	return true, nil
}

// MaxPresences is the largest number of accounts in one change. Each of them takes up to 3
// writes.
const MaxPresences = account.MaxWrites / 4

// changed reports whether c is a change at all. If it is not, it has no writes.
func (c *PresenceChange) changed() bool { return c.Next != c.was.Presence || c.Due != c.was.due }

func (c *PresenceChange) writes() (ws []account.Write) {
	if !c.changed() {
		return nil
	}
	w := account.Write{Kind: kindPresence, Key: presenceKey(c.App, c.User), If: c.was.version}
	if c.Next != nil {
		w.Value = encode(storedPresence{*c.Next, c.Due})
	}
	ws = append(ws, w)
	if c.was.due != 0 && (c.Next == nil || c.Due != c.was.due) {
		ws = append(ws, account.Write{Kind: kindDue, Key: dueKey(c.App, c.was.due, c.User), If: account.AnyVersion})
	}
	if c.Next != nil && c.Due != 0 && c.Due != c.was.due {
		ws = append(ws, account.Write{Kind: kindDue, Key: dueKey(c.App, c.Due, c.User), Value: []byte{}, If: account.AnyVersion})
	}
	return ws
}

func presenceKey(app account.AppID, user account.UserID) string { return appPrefix(app) + string(user) }

// dueDigits is the number of hexadecimal digits of a time in the key of a kindDue.
const dueDigits = 16

func dueKey(app account.AppID, due int64, user account.UserID) string {
	return fmt.Sprintf("%s%0*x/%s", appPrefix(app), dueDigits, due, user)
}

// A Due names an account whose login sessions change by themselves at a time.
type Due struct {
	User account.UserID
	At   int64
}

var errDueKey = errors.New("the key has another form")

func parseDue(key string) (app account.AppID, d Due, err error) {
	number, rest, _ := strings.Cut(key, "/")
	hex, user, ok := strings.Cut(rest, "/")
	if app, err = parseAppKey(number); err == nil {
		d.At, err = strconv.ParseInt(hex, 16, 64)
	}
	if err == nil && (!ok || len(hex) != dueDigits) {
		err = errDueKey
	}
	if err != nil {
		return 0, d, damaged(kindDue, key, err)
	}
	d.User = account.UserID(user)
	return app, d, nil
}

// NextDue returns the next app after another one with login sessions that change by
// themselves, and the time of the first of them. App 0 is before all others, and is
// returned when there are no more.
func (r *Registry) NextDue(ctx context.Context, after account.AppID) (account.AppID, int64, error) {
	q := account.RecordQuery{Kind: kindDue, Limit: 1}
	if after != 0 {
		q.After = pastApp(after)
	}
	page, err := r.e.Records(ctx, q)
	if err != nil || len(page.Records) == 0 {
		return 0, 0, err
	}
	app, due, err := parseDue(page.Records[0].Key)
	return app, due.At, err
}

// pastApp returns a key after all keys with the prefix of an app.
func pastApp(app account.AppID) string { return appKey(app) + "0" } // 0 comes after the slash

// DueBy returns up to limit accounts of an app whose login sessions change by themselves at
// a time or before it, earliest first.
func (r *Registry) DueBy(ctx context.Context, app account.AppID, by int64, limit int) ([]Due, error) {
	page, err := r.e.Records(ctx, account.RecordQuery{Kind: kindDue, Prefix: appPrefix(app), Limit: limit})
	if err != nil {
		return nil, err
	}
	all, err := parseDues(page.Records)
	late := slices.IndexFunc(all, func(d Due) bool { return d.At > by })
	if late >= 0 {
		all = all[:late]
	}
	return all, err
}

func parseDues(recs []account.Record) ([]Due, error) {
	all := make([]Due, len(recs))
	for i, rec := range recs {
		var err error
		if _, all[i], err = parseDue(rec.Key); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// DueChanges returns a number that changes with the results of [Registry.NextDue]; see
// [account.Records.Changes].
func (r *Registry) DueChanges() uint64 { return r.e.Changes(kindDue) }

// StaleDue returns those of due that no Presence seems to have. Their accounts were removed
// with their app, and the removal was interrupted; or they are being changed.
func (r *Registry) StaleDue(ctx context.Context, app account.AppID, due []Due) (stale []Due, err error) {
	users := make([]account.UserID, len(due))
	for i, d := range due {
		users[i] = d.User
	}
	entries, err := r.entries(ctx, app, users)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		if e.due != due[i].At {
			stale = append(stale, due[i])
		}
	}
	return stale, nil
}

// DropDue removes a Due if no Presence has it. The account is locked meanwhile, because the
// engine shows a commit before the memory does.
func (r *Registry) DropDue(ctx context.Context, app account.AppID, d Due) error {
	err := r.ChangePresences(ctx, app, []account.UserID{d.User}, func(cs []PresenceChange) ([]account.Write, error) {
		c := &cs[0]
		if c.Due == d.At {
			return nil, nil
		}
		if c.Next != nil {
			c.Next = c.Next.Clone() // another change of it makes the commit stale
		}
		return []account.Write{{Kind: kindDue, Key: dueKey(app, d.At, d.User), If: account.AnyVersion}}, nil
	}, func() {})
	if account.CodeOf(err) == account.Stale {
		return nil // the next look finds out whether the Due is still there
	}
	return err
}

// A UserPresence is an account with login sessions.
type UserPresence struct {
	User account.UserID
	*Presence
}

// ListPresences returns up to limit accounts of an app with login sessions, after an id, in
// the byte order of their ids. next is the id to continue after, or "" at the end.
func (r *Registry) ListPresences(ctx context.Context, app account.AppID, after account.UserID, limit int) (all []UserPresence, next account.UserID, err error) {
	q := account.RecordQuery{Kind: kindPresence, Prefix: appPrefix(app), Limit: limit}
	if after != "" {
		q.After = presenceKey(app, after)
	}
	page, err := r.e.Records(ctx, q)
	if err != nil {
		return nil, "", err
	}
	for _, rec := range page.Records {
		p, err := decode[Presence](rec.Value)
		if err != nil {
			return nil, "", damaged(kindPresence, rec.Key, err)
		}
		all = append(all, UserPresence{account.UserID(strings.TrimPrefix(rec.Key, q.Prefix)), p})
	}
	return all, account.UserID(strings.TrimPrefix(page.Next, q.Prefix)), nil
}

// NextPresence returns the next app after another one with login sessions; see
// [Registry.NextDue].
func (r *Registry) NextPresence(ctx context.Context, after account.AppID) (account.AppID, error) {
	q := account.RecordQuery{Kind: kindPresence, Limit: 1}
	if after != 0 {
		q.After = pastApp(after)
	}
	page, err := r.e.Records(ctx, q)
	if err != nil || len(page.Records) == 0 {
		return 0, err
	}
	key, _, _ := strings.Cut(page.Records[0].Key, "/")
	return parseAppKey(key)
}

// RemovePresences removes the login sessions of all accounts of an app, and what an
// interrupted removal has left. Login sessions that begin meanwhile may stay.
func (r *Registry) RemovePresences(ctx context.Context, app account.AppID) error {
	for after, more := account.UserID(""), true; more; more = after != "" {
		list, next, err := r.ListPresences(ctx, app, after, MaxPresences)
		if err == nil {
			err = r.removePresences(ctx, app, list)
		}
		switch account.CodeOf(err) {
		case account.OK:
			after = next
		case account.Stale: // the same page again
		default:
			return err
		}
	}
	return r.removeStaleDue(ctx, app)
}

func (r *Registry) removePresences(ctx context.Context, app account.AppID, list []UserPresence) error {
	users := make([]account.UserID, len(list))
	for i := range list {
		users[i] = list[i].User
	}
	return r.ChangePresences(ctx, app, users, func(cs []PresenceChange) ([]account.Write, error) {
		for i := range cs {
			cs[i].Next, cs[i].Due = nil, 0
		}
		return nil, nil
	}, func() {})
}

// removeStaleDue removes every Due of an app that no Presence has.
func (r *Registry) removeStaleDue(ctx context.Context, app account.AppID) error {
	for q := (account.RecordQuery{Kind: kindDue, Prefix: appPrefix(app), Limit: MaxPresences}); ; {
		page, err := r.e.Records(ctx, q)
		if err != nil {
			return err
		}
		due, err := parseDues(page.Records)
		if err != nil {
			return err
		}
		stale, err := r.StaleDue(ctx, app, due)
		if err != nil {
			return err
		}
		for _, d := range stale {
			if err := r.DropDue(ctx, app, d); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}
