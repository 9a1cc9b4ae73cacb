package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"

	"rollcall/internal/account"
)

// limited is a policy with a limit.
func limited(limit int64) account.UpsertPolicy {
	p := free
	p.Limit = limit
	return p
}

// testQuotaOrder fills a quota in request order.
func testQuotaOrder(v *env) {
	v.create(app, "a")
	rs := v.upsert(app, limited(3), items("b", "a", "b", "c", "d", "a", "e")...)
	v.equal("codes", codes(rs), []account.Code{
		account.OK, account.OK, account.OK, account.OK, account.QuotaFull, account.OK, account.QuotaFull,
	})
	v.equal("list", ids(v.list(app, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"a", "b", "c"})
	v.count(app, 3)
	if s := v.status(app, "d")[0]; s.Exists() {
		v.Errorf("d was refused and exists: %+v", s)
	}
	if r := v.upsert(otherApp, limited(3), items("d")...)[0]; !r.Created {
		v.Errorf("another app's quota is full too: %+v", r)
	}
}

// testQuotaAbove lowers the limit below the number of accounts.
func testQuotaAbove(v *env) {
	v.create(app, "a", "b", "c")
	rs := v.upsert(app, limited(2), account.Upsert{ID: "c", Nick: "changed"}, account.Upsert{ID: "d"})
	v.equal("codes", codes(rs), []account.Code{account.OK, account.QuotaFull})
	if a := v.lookup(app, "c")[0]; a.Nick != "changed" {
		v.Errorf("an update over the limit was lost: %+v", a)
	}
	v.count(app, 3)
}

// testQuotaConcurrent imports more accounts than the quota allows, in concurrent calls.
func testQuotaConcurrent(v *env) {
	const limit, callers, each = 137, 16, 20
	var ok, full atomic.Int64
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			var batch []account.UserID
			for i := range each {
				batch = append(batch, account.UserID(fmt.Sprintf("u%d-%d", c, i)))
			}
			for _, r := range v.upsertIn(limited(limit), batch) {
				switch r.Code {
				case account.OK:
					ok.Add(1)
				case account.QuotaFull:
					full.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if ok.Load() != limit || full.Load() != callers*each-limit {
		v.Errorf("%d imported and %d refused; want %d and %d", ok.Load(), full.Load(), limit, callers*each-limit)
	}
	v.count(app, limit)
}

// upsertIn imports in a goroutine, where Fatal must not be called.
func (v *env) upsertIn(p account.UpsertPolicy, ids []account.UserID) []account.UpsertResult {
	rs, err := v.e.Upsert(v.Context(), app, items(ids...), p)
	if err != nil {
		v.Errorf("Upsert: %v", err)
	}
	return rs
}

// testQuotaFreed checks that a deletion frees quota.
func testQuotaFreed(v *env) {
	v.upsert(app, limited(2), items("a", "b")...)
	v.delete(app, now, "a")
	v.count(app, 1)
	rs := v.upsert(app, limited(2), items("c", "d")...)
	v.equal("codes", codes(rs), []account.Code{account.OK, account.QuotaFull})
}
