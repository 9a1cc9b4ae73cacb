package checked

import (
	"context"
	"reflect"

	"rollcall/internal/account"
)

// seen is the newest record of an app that the engine returned, and a copy of
// it as it was then.
type seen struct {
	shared *account.App
	copy   account.App
}

// note checks an app that the engine returns and remembers it, to find out
// later whether somebody changed it.
func (c *engine) note(method string, a *account.App) {
	broken(a.Version > 0, method, "app %d has Version 0", a.ID)
	c.unchanged()
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.seen[a.ID]
	if ok && old.shared.Version >= a.Version {
		same := old.shared.Version != a.Version || a.Created.Equal(old.copy.Created) && a.Name == old.copy.Name
		broken(same, method, "two records of app %d have Version %d", a.ID, a.Version)
		return
	}
	c.seen[a.ID] = seen{shared: a, copy: a.Clone()}
}

// unchanged checks that no app returned so far has been changed since.
func (c *engine) unchanged() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, s := range c.seen {
		broken(reflect.DeepEqual(*s.shared, s.copy), "App", "the shared record of app %d was changed", id)
	}
}

// CreateApp implements [account.Apps].
func (c *engine) CreateApp(ctx context.Context, a account.App, by account.AuditEntry) (*account.App, error) {
	got, err := c.Engine.CreateApp(ctx, a, by)
	fault("CreateApp", err, account.Exists)
	broken((got != nil) == (err == nil), "CreateApp", "app %v beside error %v", got, err)
	if err == nil {
		broken(got.ID == a.ID && got.Version == 1, "CreateApp", "app %d has Version %d", got.ID, got.Version)
		c.note("CreateApp", got)
	}
	return got, err
}

// App implements [account.Apps].
func (c *engine) App(ctx context.Context, id account.AppID) (*account.App, error) {
	got, err := c.Engine.App(ctx, id)
	fault("App", err, account.NoApp)
	broken((got != nil) == (err == nil), "App", "app %v beside error %v", got, err)
	if err == nil {
		broken(got.ID == id, "App", "app %d in the place of %d", got.ID, id)
		c.note("App", got)
	}
	return got, err
}

// Apps implements [account.Apps].
func (c *engine) Apps(ctx context.Context) ([]*account.App, error) {
	as, err := c.Engine.Apps(ctx)
	fault("Apps", err)
	for i, a := range as {
		broken(i == 0 || as[i-1].ID < a.ID, "Apps", "app %d is out of order", a.ID)
		c.note("Apps", a)
	}
	return as, err
}

// UpdateApp implements [account.Apps].
func (c *engine) UpdateApp(ctx context.Context, id account.AppID, fn func(account.App) (account.App, error), by account.AuditEntry) (*account.App, error) {
	const method = "UpdateApp"
	var calls []call
	got, err := c.Engine.UpdateApp(ctx, id, func(a account.App) (account.App, error) {
		old := a.Clone()
		next, err := fn(a)
		c.mu.Lock()
		defer c.mu.Unlock()
		calls = append(calls, call{old, err})
		return next, err
	}, by)
	broken((got != nil) == (err == nil), method, "app %v beside error %v", got, err)
	c.mu.Lock() // fn may still run if ctx has ended
	last := call{}
	if len(calls) > 0 {
		last = calls[len(calls)-1]
	}
	c.mu.Unlock()
	switch {
	case err == nil:
		broken(last.old.ID == id && last.err == nil, method, "success although fn was not asked or refused: %v", last.err)
		broken(got.ID == id && got.Created.Equal(last.old.Created), method, "the ID or Created of app %d changed", id)
		broken(got.Version == last.old.Version+1, method, "Version %d follows %d", got.Version, last.old.Version)
		c.note(method, got)
	case last.err == nil || err != last.err:
		fault(method, err, account.NoApp)
	}
	return got, err
}

// A call is one call of an UpdateApp's function.
type call struct {
	old account.App
	err error
}

// DeleteApp implements [account.Apps].
func (c *engine) DeleteApp(ctx context.Context, id account.AppID, by account.AuditEntry) error {
	err := c.Engine.DeleteApp(ctx, id, by)
	fault("DeleteApp", err, account.NoApp, account.Conflict)
	c.unchanged()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || account.CodeOf(err) == account.Unavailable {
		delete(c.seen, id) // a new app begins with Version 1
	}
	return err
}

// Record implements [account.Apps].
func (c *engine) Record(ctx context.Context, entry account.AuditEntry) error {
	err := c.Engine.Record(ctx, entry)
	fault("Record", err)
	return err
}

// Audit implements [account.Apps].
func (c *engine) Audit(ctx context.Context, q account.AuditQuery) ([]account.AuditEntry, error) {
	const method = "Audit"
	broken(1 <= q.Limit && q.Limit <= account.MaxListLimit, method, "the caller gave limit %d", q.Limit)
	es, err := c.Engine.Audit(ctx, q)
	fault(method, err)
	broken(len(es) <= q.Limit, method, "%d entries exceed the limit %d", len(es), q.Limit)
	for i, e := range es {
		broken(e.Seq > 0 && (i == 0 || e.Seq < es[i-1].Seq), method, "entry %d is out of order", e.Seq)
		broken(q.Before == 0 || e.Seq < q.Before, method, "entry %d is not before %d", e.Seq, q.Before)
		broken(q.App == 0 || e.App == q.App, method, "entry %d is of app %d", e.Seq, e.App)
	}
	return es, err
}
