package directory

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// A Sink receives events. It is called after the change is durable and before the call that
// made it returns, unless that call has run out of time. It must be fast, because other changes
// of login sessions wait meanwhile. It must not modify e or its items.
type Sink func(e account.Event)

// Listen registers sink for the events of a kind on this node. A change with an unknown
// outcome causes no event. Listen must not be called while d is in use.
func (d *Directory) Listen(kind account.EventKind, sink Sink) {
	d.ListenIn(kind, func(account.AppID) bool { return true }, sink)
}

// ListenIn is Listen for the events of the apps for which in returns true. Other apps have
// no extra cost. It is called for each change, and must be fast.
func (d *Directory) ListenIn(kind account.EventKind, in func(account.AppID) bool, sink Sink) {
	d.sinks[kind] = append(d.sinks[kind], listener{in, sink})
}

// A listener is a sink and the apps whose events it receives.
type listener struct {
	in   func(account.AppID) bool
	sink Sink
}

// Reports reports whether anything receives the events of a kind in an app.
func (d *Directory) Reports(app account.AppID, kind account.EventKind) bool {
	return d.keeps(app, kind) || d.heard(app, kind)
}

// heard reports whether a sink receives the events of a kind in an app.
func (d *Directory) heard(app account.AppID, kind account.EventKind) bool {
	return slices.ContainsFunc(d.sinks[kind], func(l listener) bool { return l.in(app) })
}

type operatorKey struct{}

// An operator is who makes a call of the account API.
type operator struct {
	id      account.UserID
	address netip.Addr
}

// WithOperator returns a context for a call of an account that came from an address. Events
// of changes of profiles name both. It copies the id.
func WithOperator(ctx context.Context, id account.UserID, address netip.Addr) context.Context {
	return context.WithValue(ctx, operatorKey{}, operator{account.UserID(strings.Clone(string(id))), address})
}

// operatorOf returns the operator of ctx. Without one, it is Administrator.
func operatorOf(ctx context.Context) operator {
	if o, ok := ctx.Value(operatorKey{}).(operator); ok {
		return o
	}
	return operator{id: account.Administrator}
}

// keeps reports whether events of a kind in an app go to the outbox.
func (d *Directory) keeps(app account.AppID, kind account.EventKind) bool {
	return d.outbox != nil && d.outbox(app, kind)
}

// announce calls the sinks of an event.
func (d *Directory) announce(e account.Event) {
	for _, l := range d.sinks[e.Kind] {
		if l.in(e.App) {
			l.sink(e)
		}
	}
}

// appEvent returns the event of a change of an app, and the writes for the outbox that
// belong to the commit of the change.
func (d *Directory) appEvent(kind account.EventKind, by account.AuditEntry) (e account.Event, also []account.Write) {
	e = account.Event{App: by.App, Time: by.Time, Kind: kind, Action: by.Action}
	if d.keeps(e.App, kind) {
		also = records.Outbox(e)
	}
	return e, also
}

// A batchEvent creates the event of a batch from its results. It is nil if the event has
// no sink and no outbox; such a batch has no extra cost.
type batchEvent[R any] struct {
	d     *Directory
	event account.Event // without items
	kept  bool          // in the outbox
	item  func(i int, r R) (item account.EventItem, happened bool)
}

// newBatchEvent returns a batchEvent without the function item, or nil.
func newBatchEvent[R any](ctx context.Context, d *Directory, app account.AppID, kind account.EventKind, now time.Time) *batchEvent[R] {
	kept := d.keeps(app, kind)
	if !kept && !d.heard(app, kind) {
		return nil
	}
	e := account.Event{App: app, Time: account.Millis(now), Kind: kind}
	if kind == account.EventImported || kind == account.EventChanged {
		o := operatorOf(ctx)
		e.Operator, e.Address = o.id, o.address
	}
	return &batchEvent[R]{d: d, kept: kept, event: e}
}

// importEvent returns the batchEvent of an import. It copies the texts of items, because
// an outbox may be called after the call has returned.
func (d *Directory) importEvent(ctx context.Context, app account.AppID, now time.Time, items []account.Upsert) *batchEvent[account.UpsertResult] {
	b := newBatchEvent[account.UpsertResult](ctx, d, app, account.EventImported, now)
	if b == nil {
		return nil
	}
	copies := make([]account.EventItem, len(items))
	for i, u := range items {
		copies[i] = account.EventItem{ID: account.UserID(strings.Clone(string(u.ID))), Fields: given(u)}
	}
	b.item = func(i int, r account.UpsertResult) (account.EventItem, bool) {
		item := copies[i]
		item.Created = r.Created
		return item, r.Code == account.OK
	}
	return b
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

// patchEvent returns the batchEvent of an update. It keeps references to patches.
func (d *Directory) patchEvent(ctx context.Context, app account.AppID, kind account.EventKind, now time.Time, patches []account.Patch) *batchEvent[account.Code] {
	b := newBatchEvent[account.Code](ctx, d, app, kind, now)
	if b == nil {
		return nil
	}
	b.item = func(i int, c account.Code) (account.EventItem, bool) {
		return account.EventItem{ID: patches[i].ID, Fields: patches[i].Fields}, c == account.OK
	}
	return b
}

// deletionEvent returns the batchEvent of a deletion. It keeps references to ids.
func (d *Directory) deletionEvent(ctx context.Context, app account.AppID, now time.Time, ids []account.UserID) *batchEvent[account.Code] {
	b := newBatchEvent[account.Code](ctx, d, app, account.EventDeleted, now)
	if b == nil {
		return nil
	}
	b.item = func(i int, c account.Code) (account.EventItem, bool) {
		return account.EventItem{ID: ids[i]}, c == account.OK
	}
	return b
}

// of returns the event for results. The event has no items if everything failed.
func (b *batchEvent[R]) of(results []R) account.Event {
	e := b.event
	for i, r := range results {
		if item, happened := b.item(i, r); happened {
			e.Items = append(e.Items, item)
		}
	}
	return e
}

// outbox returns the Outbox of a policy. It is nil unless the event is kept.
func (b *batchEvent[R]) outbox() func([]R) []account.Write {
	if b == nil || !b.kept {
		return nil
	}
	return b.writes
}

// writes returns the writes that put the event for results into the outbox. There are none
// if the event is not kept or if everything failed.
func (b *batchEvent[R]) writes(results []R) []account.Write {
	if b == nil || !b.kept {
		return nil
	}
	if e := b.of(results); len(e.Items) > 0 {
		return records.Outbox(e)
	}
	return nil
}

// announce calls the sinks with the event for results, unless everything failed.
func (b *batchEvent[R]) announce(results []R) {
	if b == nil {
		return
	}
	if e := b.of(results); len(e.Items) > 0 {
		b.d.announce(e)
	}
}
