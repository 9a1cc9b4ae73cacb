package records_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

var noSeq = cmpopts.IgnoreFields(account.AuditEntry{}, "Seq")

// TestAudit checks order and contents of the trail.
func TestAudit(t *testing.T) {
	each(t, func(v *env) {
		v.equal("the trail of nothing", v.audit(account.AuditQuery{Limit: 10}), []account.AuditEntry(nil))
		v.create(app)
		v.create(otherApp)
		entry := by("app.rename")
		entry.App, entry.Seq = 7, 99 // the registry sets both
		if _, err := v.r.UpdateApp(v.Context(), app, change(rename("x")), entry); err != nil {
			v.Fatalf("UpdateApp: %v", err)
		}
		want := []account.AuditEntry{by("app.rename"), by("app.create"), by("app.create")}
		for i, id := range []account.AppID{app, otherApp, app} {
			want[i].App = id
		}
		v.equal("trail", v.audit(account.AuditQuery{Limit: 10}), want, noSeq)
		v.equal("trail of one app", v.audit(account.AuditQuery{App: otherApp, Limit: 10}), want[1:2], noSeq)
	})
}

// TestRecord stores entries of actions that change nothing.
func TestRecord(t *testing.T) {
	each(t, func(v *env) {
		of, none := by("usersig.make"), by("backup")
		of.App = app
		for _, e := range []account.AuditEntry{of, none} {
			v.code("Record", v.r.Record(v.Context(), e), account.OK)
		}
		v.equal("trail", v.audit(account.AuditQuery{Limit: 10}), []account.AuditEntry{none, of}, noSeq)
		v.equal("trail of one app", v.audit(account.AuditQuery{App: app, Limit: 10}), []account.AuditEntry{of}, noSeq)
	})
}

// TestAuditPages reads a trail of two apps in pages.
func TestAuditPages(t *testing.T) {
	each(t, func(v *env) {
		v.create(app)
		v.create(otherApp)
		for i := range 10 {
			v.update([]account.AppID{app, otherApp}[i%2], rename(fmt.Sprint(i)))
		}
		for _, tt := range []struct {
			app  account.AppID
			want int
		}{{0, 12}, {app, 6}, {otherApp, 6}} {
			all := v.audit(account.AuditQuery{App: tt.app, Limit: 100})
			v.equal(fmt.Sprint("entries of app ", tt.app), len(all), tt.want)
			var paged []account.AuditEntry
			q := account.AuditQuery{App: tt.app, Limit: 4}
			for page := v.audit(q); len(page) > 0; page = v.audit(q) {
				paged = append(paged, page...)
				q.Before = page[len(page)-1].Seq
			}
			v.equal(fmt.Sprint("pages of app ", tt.app), paged, all)
		}
	})
}

// TestAuditAtomic checks that a refused change leaves no entry.
func TestAuditAtomic(t *testing.T) {
	each(t, func(v *env) {
		v.create(app)
		_, _ = v.r.CreateApp(v.Context(), account.App{ID: app}, by("app.create"))
		_, _ = v.r.UpdateApp(v.Context(), otherApp, change(rename("x")), by("app.rename"))
		_, _ = v.r.UpdateApp(v.Context(), app, func(a account.App) (account.App, error) {
			return a, errors.New("stop")
		}, by("app.rename"))
		v.equal("entries after one change", len(v.audit(account.AuditQuery{Limit: 10})), 1)
		ended, cancel := context.WithCancel(v.Context())
		cancel()
		_, err := v.r.UpdateApp(ended, app, change(rename("y")), by("app.rename"))
		v.code("UpdateApp with an ended context", err, account.Unavailable)
		last := v.update(app, rename("z"))
		v.equal("entries", uint64(len(v.audit(account.AuditQuery{Limit: 10}))), last.Version)
	})
}

// A counter counts the records that an engine has listed.
type counter struct {
	account.Engine
	listed int
}

func (c *counter) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	page, err := c.Engine.Records(ctx, q)
	c.listed += len(page.Records)
	return page, err
}

// TestAuditOfQuietApp reads the trail of an app with few entries among many of others.
func TestAuditOfQuietApp(t *testing.T) {
	c := &counter{Engine: new(mem.Store)}
	v := &env{t, c, records.New(c, nil)}
	v.create(app)
	for i := range 100 {
		v.create(otherApp + account.AppID(i))
	}
	c.listed = 0
	v.equal("entries", len(v.audit(account.AuditQuery{App: app, Limit: 10})), 1)
	v.equal("records read for them", c.listed, 1)
}
