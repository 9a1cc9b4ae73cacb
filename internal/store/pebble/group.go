package pebble

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
)

// A group is the calls that share one commit: what they have decided so far,
// laid over the table. Only the committer uses it, one group after the other.
type group struct {
	db    *pebble.DB
	table *table
	apps  *registry

	states  []state
	index   map[key]int             // of states
	counts  map[account.AppID]int64 // accounts, as the group leaves them
	changed map[account.AppID]*account.App
	trail   []account.AuditEntry
	others  []other

	firstID uint64 // nextID as the group found it
	nextID  uint64 // the next InternalID to give
	nextSeq uint64 // of the audit trail
	buf     []byte
}

// A state is one id that the group has touched.
type state struct {
	key    key
	before entry // in the table
	now    entry
	record account.Account // only if loaded
	loaded bool
	dirty  bool
}

// An other is a change of something that is neither an account nor an app.
type other struct {
	write   func(*pebble.Batch) error // adds it to the commit
	publish func()                    // shows it, when it is durable
}

// also adds a change to the group.
func (g *group) also(o other) { g.others = append(g.others, o) }

// reset empties g for the next group, and lets go of what it held.
func (g *group) reset() {
	clear(g.states)
	g.states = g.states[:0]
	clear(g.index)
	clear(g.counts)
	clear(g.changed)
	clear(g.trail)
	g.trail = g.trail[:0]
	clear(g.others)
	g.others = g.others[:0]
	g.firstID = g.nextID
}

// at returns the state of an id. It is valid until the next call of at.
func (g *group) at(app account.AppID, id account.UserID) *state {
	k := key{app, id}
	i, ok := g.index[k]
	if !ok {
		i = len(g.states)
		e := g.table.get(k)
		g.states = append(g.states, state{key: k, before: e, now: e})
		g.index[k] = i
	}
	return &g.states[i]
}

// load reads the record of an account that exists, unless the group has it.
func (g *group) load(s *state) error {
	if s.loaded {
		return nil
	}
	g.buf = appendIDKey(g.buf[:0], accountSpace, s.key.app, s.key.id)
	value, closer, err := g.db.Get(g.buf)
	if err != nil {
		return internal("the account cannot be read", err)
	}
	defer func() { _ = closer.Close() }()
	s.record, err = decodeAccount(s.key.id, value)
	s.loaded = err == nil
	if err != nil {
		return internal("the account cannot be read", err)
	}
	return nil
}

// count returns how many accounts app has, as the group leaves it.
func (g *group) count(app account.AppID) int64 {
	n, ok := g.counts[app]
	if !ok {
		n = g.table.size(app)
		g.counts[app] = n
	}
	return n
}

func (g *group) upsert(app account.AppID, u account.Upsert, p account.UpsertPolicy) (account.UpsertResult, error) {
	s := g.at(app, u.ID)
	if s.now.live() {
		return g.reimport(s, u, p.Now)
	}
	switch {
	case s.now.gone && !time.UnixMilli(s.now.deleted).Before(p.TombstoneBefore):
		return account.UpsertResult{Code: account.Tombstoned}, nil
	case p.Limit > 0 && g.count(app) >= p.Limit:
		return account.UpsertResult{Code: account.QuotaFull}, nil
	}
	now := account.Millis(p.Now)
	s.now = entry{internalID: g.nextID, kicked: s.now.kicked}
	s.record = account.Account{
		ID: u.ID, InternalID: g.nextID, Nick: u.Nick, FaceURL: u.FaceURL,
		Created: now, Updated: now, Kicked: s.now.kicked,
	}
	s.loaded, s.dirty = true, true
	g.nextID++
	g.counts[app] = g.count(app) + 1
	return account.UpsertResult{Code: account.OK, Created: true, InternalID: s.now.internalID}, nil
}

// reimport imports an account that exists. It reads the record only if the
// item says something that may change it.
func (g *group) reimport(s *state, u account.Upsert, now time.Time) (account.UpsertResult, error) {
	if u.Nick != "" || u.FaceURL != "" {
		if err := g.load(s); err != nil {
			return account.UpsertResult{}, err
		}
		if u.Apply(&s.record, now) {
			s.dirty = true
		}
	}
	return account.UpsertResult{Code: account.OK, InternalID: s.now.internalID}, nil
}

func (g *group) update(app account.AppID, p account.Patch, now time.Time) (account.Code, error) {
	s := g.at(app, p.ID)
	if !s.now.live() {
		return account.NoAccount, nil
	}
	if err := g.load(s); err != nil {
		return account.Internal, err
	}
	p.Apply(&s.record, now)
	s.now.kicked = s.record.Kicked
	s.dirty = true
	return account.OK, nil
}

func (g *group) delete(app account.AppID, id account.UserID, now time.Time) account.Code {
	s := g.at(app, id)
	if !s.now.live() {
		return account.NoAccount
	}
	s.now = entry{gone: true, deleted: now.UnixMilli(), kicked: s.now.kicked}
	s.record, s.loaded, s.dirty = account.Account{}, false, true
	g.counts[app] = g.count(app) - 1
	return account.OK
}

// app returns the record of an app as the group leaves it, or nil.
func (g *group) app(id account.AppID) *account.App {
	if a, ok := g.changed[id]; ok {
		return a
	}
	return g.apps.get(id)
}

// putApp stores a together with its audit entry.
func (g *group) putApp(a *account.App, by account.AuditEntry) {
	by.Seq, by.App = g.nextSeq, a.ID
	g.nextSeq++
	g.changed[a.ID] = a
	g.trail = append(g.trail, by)
}

// batch returns everything that the group has decided, ready to commit. Each
// key is written once, however often the group has changed it.
func (g *group) batch() (*pebble.Batch, error) {
	b := g.db.NewBatch()
	var errs []error
	for i := range g.states {
		s := &g.states[i]
		if s.dirty {
			errs = append(errs, g.write(b, s))
		}
	}
	if g.nextID != g.firstID { // also when what was created is deleted again
		errs = append(errs, b.Set(nextIDKey, binary.BigEndian.AppendUint64(nil, g.nextID), nil))
	}
	for id, a := range g.changed {
		errs = append(errs, setJSON(b, appendAppKey(nil, appSpace, id), a))
	}
	for _, e := range g.trail {
		errs = append(errs, setJSON(b, auditKey(e.Seq), e))
	}
	for _, o := range g.others {
		errs = append(errs, o.write(b))
	}
	return b, errors.Join(errs...)
}

// write adds what has become of one id to b.
func (g *group) write(b *pebble.Batch, s *state) error {
	var errs [2]error
	g.buf = appendIDKey(g.buf[:0], accountSpace, s.key.app, s.key.id)
	n := len(g.buf)
	switch {
	case s.now.live():
		g.buf = appendAccount(g.buf, &s.record)
		errs[0] = b.Set(g.buf[:n], g.buf[n:], nil)
	case s.before.live():
		errs[0] = b.Delete(g.buf, nil)
	}
	g.buf[0] = goneSpace
	switch {
	case !s.now.live():
		g.buf = appendGone(g.buf[:n], s.now)
		errs[1] = b.Set(g.buf[:n], g.buf[n:], nil)
	case s.before.gone:
		errs[1] = b.Delete(g.buf[:n], nil)
	}
	return errors.Join(errs[:]...)
}

func setJSON(b *pebble.Batch, key []byte, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Set(key, value, nil)
}

// publish shows what the group has decided, after it is durable.
func (g *group) publish() {
	for i := range g.states {
		if s := &g.states[i]; s.dirty && s.now != s.before {
			g.table.put(s.key, s.before, s.now)
		}
	}
	g.apps.put(g.changed)
	for _, o := range g.others {
		o.publish()
	}
}
