package checked

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"rollcall/internal/account"
)

// Upsert implements [account.Store].
func (c *engine) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	const method = "Upsert"
	broken(!p.Now.IsZero(), method, "the caller gave no Now")
	for _, u := range items {
		err := u.ID.Validate(false)
		broken(err == nil, method, "the caller gave %q: %v", u.ID, err)
	}
	var o outbox[account.UpsertResult]
	p.Outbox = o.watch(method, p.Outbox, len(items))
	rs, err := c.Engine.Upsert(ctx, app, items, p)
	fault(method, err, account.NoApp, account.Unknown)
	length(method, len(rs), len(items), err)
	o.check(method, rs, err)
	created := map[uint64]bool{}
	for _, r := range rs {
		upserted(method, r, p)
		broken(!r.Created || !created[r.InternalID], method, "InternalID %d was assigned twice", r.InternalID)
		created[r.InternalID] = created[r.InternalID] || r.Created
	}
	return rs, err
}

// upserted checks a single result.
func upserted(method string, r account.UpsertResult, p account.UpsertPolicy) {
	ok := r.Code == account.OK
	broken(ok == (r.InternalID != 0), method, "Code %v with InternalID %d", r.Code, r.InternalID)
	broken(r.InternalID <= math.MaxInt64, method, "InternalID %d exceeds 63 bits", r.InternalID)
	broken(ok || !r.Created, method, "Created with Code %v", r.Code)
	switch r.Code {
	case account.OK:
	case account.Tombstoned:
		broken(p.TombstoneBefore != account.AnyTombstone, method, "an id was refused for its tombstone although any tombstone is allowed")
	case account.QuotaFull:
		broken(p.Limit > 0, method, "the quota is full although there is no limit")
	default:
		broken(false, method, "a result has Code %v", r.Code)
	}
}

// Watermark implements [account.Store].
func (c *engine) Watermark(ctx context.Context, app account.AppID, id account.UserID) (int64, error) {
	kicked, err := c.Engine.Watermark(ctx, app, id)
	fault("Watermark", err)
	broken(kicked >= account.Unkicked, "Watermark", "%q has the watermark %d", id, kicked)
	return kicked, err
}

// Status implements [account.Store].
func (c *engine) Status(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Status, error) {
	rs, err := c.Engine.Status(ctx, app, ids)
	fault("Status", err)
	length("Status", len(rs), len(ids), err)
	for i, r := range rs {
		broken(r.InternalID <= math.MaxInt64, "Status", "%q: InternalID %d exceeds 63 bits", ids[i], r.InternalID)
	}
	return rs, err
}

// Lookup implements [account.Store].
func (c *engine) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Account, error) {
	as, err := c.Engine.Lookup(ctx, app, ids)
	fault("Lookup", err)
	length("Lookup", len(as), len(ids), err)
	for i, a := range as {
		broken(a.ID == ids[i], "Lookup", "%q in the place of %q", a.ID, ids[i])
		if a.InternalID == 0 {
			broken(blank(a), "Lookup", "%q does not exist but contains %+v", a.ID, a)
		} else {
			whole("Lookup", a)
		}
	}
	return as, err
}

// blank reports whether all fields of a other than its ID and InternalID are zero.
func blank(a account.Account) bool {
	return a.Nick == "" && a.FaceURL == "" && a.Profile == nil && a.Kicked == 0 && a.Created.IsZero() && a.Updated.IsZero()
}

// whole checks an account that exists.
func whole(method string, a account.Account) {
	broken(a.InternalID != 0 && a.InternalID <= math.MaxInt64, method, "%q has InternalID %d", a.ID, a.InternalID)
	for _, t := range []time.Time{a.Created, a.Updated} {
		broken(!t.IsZero() && t.Equal(account.Millis(t)), method, "%q has the time %v", a.ID, t)
	}
	broken(ascending(a.Profile), method, "the profile of %q is not sorted and unique: %v", a.ID, a.Profile)
	for _, f := range a.Profile {
		broken(f.Tag != account.TagNick && f.Tag != account.TagImage, method, "the profile of %q contains %s", a.ID, f.Tag)
		broken(!f.Value.Unset(), method, "the profile of %q contains an unset %s", a.ID, f.Tag)
	}
}

func ascending(fs []account.Field) bool {
	for i := range max(len(fs)-1, 0) {
		if fs[i].Tag >= fs[i+1].Tag {
			return false
		}
	}
	return true
}

// Update implements [account.Store].
func (c *engine) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	for _, patch := range patches {
		broken(patch.Kicked >= account.Unkicked, "Update", "the caller gave the watermark %d", patch.Kicked)
	}
	return changed("Update", len(patches), p, func(p account.ChangePolicy) ([]account.Code, error) {
		return c.Engine.Update(ctx, app, patches, p)
	})
}

// Delete implements [account.Store].
func (c *engine) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	return changed("Delete", len(ids), p, func(p account.ChangePolicy) ([]account.Code, error) {
		return c.Engine.Delete(ctx, app, ids, p)
	}, account.AdminProtected)
}

// changed checks a call that changes or deletes accounts.
func changed(method string, items int, p account.ChangePolicy, call func(account.ChangePolicy) ([]account.Code, error), refusals ...account.Code) ([]account.Code, error) {
	broken(!p.Now.IsZero(), method, "the caller gave no Now")
	var o outbox[account.Code]
	p.Outbox = o.watch(method, p.Outbox, items)
	cs, err := call(p)
	fault(method, err, account.NoApp, account.Unknown)
	length(method, len(cs), items, err)
	o.check(method, cs, err)
	for _, c := range cs {
		broken(c == account.OK || c == account.NoAccount || slices.Contains(refusals, c), method, "a result has Code %v", c)
	}
	return cs, err
}

// List implements [account.Store].
func (c *engine) List(ctx context.Context, app account.AppID, q account.ListQuery) (account.ListPage, error) {
	const method = "List"
	broken(1 <= q.Limit && q.Limit <= account.MaxListLimit, method, "the caller gave limit %d", q.Limit)
	page, err := c.Engine.List(ctx, app, q)
	fault(method, err)
	if err != nil {
		length(method, len(page.Accounts), 0, err)
		return page, err
	}
	as := page.Accounts
	broken(len(as) <= q.Limit, method, "%d accounts exceed the limit %d", len(as), q.Limit)
	byID := func(a, b account.Account) int { return cmp.Compare(a.ID, b.ID) }
	broken(slices.IsSortedFunc(as, byID), method, "the page is not in the order of ids")
	for i, a := range as {
		whole(method, a)
		broken(i == 0 || as[i-1].ID != a.ID, method, "%q is listed twice", a.ID)
		broken(strings.HasPrefix(string(a.ID), string(q.Prefix)), method, "%q lacks the prefix %q", a.ID, q.Prefix)
		broken(a.ID > q.After, method, "%q is not after %q", a.ID, q.After)
	}
	if page.Next != "" {
		broken(len(as) == q.Limit && page.Next == as[len(as)-1].ID, method, "Next %q does not end a full page", page.Next)
	}
	return page, nil
}
