package directory

import (
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// A Sink hears of a change. It is called in the goroutine of the call that made the
// change, once that is durable and before the call returns. It must not change what e
// holds.
type Sink func(e account.Event)

// Listen calls sink for each event of a kind on this node. A change whose outcome the
// store does not know is not told. Listen must not be called while d is in use.
func (d *Directory) Listen(kind account.EventKind, sink Sink) {
	d.sinks[kind] = append(d.sinks[kind], sink)
}

// keeps reports whether events go to the outbox.
func (d *Directory) keeps(app account.AppID, kind account.EventKind) bool {
	return d.outbox != nil && d.outbox(app, kind)
}

// announce tells the sinks of an event.
func (d *Directory) announce(e account.Event) {
	for _, sink := range d.sinks[e.Kind] {
		sink(e)
	}
}

// appEvent returns the event of a change of an app, and the writes that go into the same
// commit.
func (d *Directory) appEvent(kind account.EventKind, by account.AuditEntry) (e account.Event, also []account.Write) {
	e = account.Event{App: by.App, Time: by.Time, Kind: kind, Action: by.Action}
	if d.keeps(e.App, kind) {
		also = records.Outbox(e)
	}
	return e, also
}

// A teller makes the event of a batch from its results. Nil is the teller of a batch that
// nobody listens to: it costs nothing.
type teller[R any] struct {
	d     *Directory
	event account.Event // without items
	kept  bool          // in the outbox
	item  func(i int, r R) (item account.EventItem, happened bool)
}

// newTeller returns a teller without its items, or nil.
func newTeller[R any](d *Directory, app account.AppID, kind account.EventKind, now time.Time) *teller[R] {
	kept := d.keeps(app, kind)
	if !kept && len(d.sinks[kind]) == 0 {
		return nil
	}
	return &teller[R]{d: d, kept: kept, event: account.Event{App: app, Time: account.Millis(now), Kind: kind}}
}

// ofImport returns the teller of an import. It keeps no memory of items: an outbox can be
// asked after the call has returned.
func (d *Directory) ofImport(app account.AppID, now time.Time, items []account.Upsert) *teller[account.UpsertResult] {
	t := newTeller[account.UpsertResult](d, app, account.EventImported, now)
	if t == nil {
		return nil
	}
	told := make([]account.EventItem, len(items))
	for i, u := range items {
		told[i] = account.EventItem{ID: account.UserID(strings.Clone(string(u.ID))), Fields: given(u)}
	}
	t.item = func(i int, r account.UpsertResult) (account.EventItem, bool) {
		item := told[i]
		item.Created = r.Created
		return item, r.Code == account.OK
	}
	return t
}

// given returns the fields that u sets.
func given(u account.Upsert) (fields []account.Field) {
	for _, f := range []account.Field{
		{Tag: account.TagNick, Value: account.Value{Text: strings.Clone(u.Nick)}},
		{Tag: account.TagImage, Value: account.Value{Text: strings.Clone(u.FaceURL)}},
	} {
		if !f.Value.Unset() {
			fields = append(fields, f)
		}
	}
	return fields
}

// ofPatches returns the teller of an update, whose memory it keeps.
func (d *Directory) ofPatches(app account.AppID, kind account.EventKind, now time.Time, patches []account.Patch) *teller[account.Code] {
	t := newTeller[account.Code](d, app, kind, now)
	if t == nil {
		return nil
	}
	t.item = func(i int, c account.Code) (account.EventItem, bool) {
		return account.EventItem{ID: patches[i].ID, Fields: patches[i].Fields}, c == account.OK
	}
	return t
}

// ofDeletion returns the teller of a deletion, whose memory it keeps.
func (d *Directory) ofDeletion(app account.AppID, now time.Time, ids []account.UserID) *teller[account.Code] {
	t := newTeller[account.Code](d, app, account.EventDeleted, now)
	if t == nil {
		return nil
	}
	t.item = func(i int, c account.Code) (account.EventItem, bool) {
		return account.EventItem{ID: ids[i]}, c == account.OK
	}
	return t
}

// of returns the event of what happened. It has no items if everything failed.
func (t *teller[R]) of(results []R) account.Event {
	e := t.event
	for i, r := range results {
		if item, happened := t.item(i, r); happened {
			e.Items = append(e.Items, item)
		}
	}
	return e
}

// outbox returns what a policy takes, nil unless the event is kept.
func (t *teller[R]) outbox() func([]R) []account.Write {
	if t == nil || !t.kept {
		return nil
	}
	return func(results []R) []account.Write {
		if e := t.of(results); len(e.Items) > 0 {
			return records.Outbox(e)
		}
		return nil
	}
}

// announce tells the sinks what happened, if anything did.
func (t *teller[R]) announce(results []R) {
	if t == nil {
		return
	}
	if e := t.of(results); len(e.Items) > 0 {
		t.d.announce(e)
	}
}
