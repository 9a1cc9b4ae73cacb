package records_test

import (
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// event returns an event with every field set.
func event(id account.AppID, action string) account.Event {
	return account.Event{
		App: id, Time: now, Kind: account.EventImported, Action: action,
		Items: []account.EventItem{{ID: "a", Created: true, Fields: []account.Field{{Tag: account.TagNick, Value: account.Value{Text: "A"}}}}},
	}
}

func (v *env) pending(id account.AppID, limit int) (keys []string, events []account.Event) {
	v.Helper()
	ps, err := v.r.Pending(v.Context(), id, limit)
	if err != nil {
		v.Fatalf("Pending: %v", err)
	}
	for _, p := range ps {
		keys, events = append(keys, p.Key), append(events, p.Event)
	}
	return keys, events
}

func TestOutbox(t *testing.T) {
	each(t, func(v *env) {
		one, two, other := event(app, "one"), event(app, "two"), event(otherApp, "other")
		if _, err := v.r.CreateApp(v.Context(), account.App{ID: app}, by("app.create"), records.Outbox(one)...); err != nil {
			v.Fatal(err)
		}
		if _, err := v.r.CreateApp(v.Context(), account.App{ID: otherApp}, by("app.create"), records.Outbox(other)...); err != nil {
			v.Fatal(err)
		}
		if _, err := v.r.UpdateApp(v.Context(), app, change(rename("x")), by("app.rename"), records.Outbox(two)...); err != nil {
			v.Fatal(err)
		}
		_, err := v.r.CreateApp(v.Context(), account.App{ID: app}, by("app.create"), records.Outbox(event(app, "refused"))...)
		v.code("CreateApp of an app that exists", err, account.Exists)

		keys, events := v.pending(app, 10)
		v.equal("events of an app", events, []account.Event{one, two})
		_, oldest := v.pending(app, 1)
		v.equal("the oldest event of an app", oldest, []account.Event{one})
		_, all := v.pending(0, 10)
		v.equal("events of all apps", all, []account.Event{one, two, other})

		for range 2 {
			v.code("RemovePending", v.r.RemovePending(v.Context(), keys[0]), account.OK)
			_, events = v.pending(app, 10)
			v.equal("events after a removal", events, []account.Event{two})
		}
		if err := v.r.DeleteApp(v.Context(), otherApp, by("app.delete"), records.Outbox(event(otherApp, "deleted"))...); err != nil {
			v.Fatal(err)
		}
		_, events = v.pending(otherApp, 10)
		v.equal("events of a deleted app", len(events), 2)
	})
}
