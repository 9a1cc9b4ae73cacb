package storetest

import (
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/store/checked"
)

// A Hook is called by an engine under test before each of its commits, and again after
// the commit is written. If it returns an error, the commit fails at that point.
type Hook func(written bool) error

// A Faulty is an empty engine whose commits call a Hook. Reopen opens the data of the
// engine again after a commit has failed, without a Hook. The suite closes both engines.
type Faulty struct {
	account.Engine
	Reopen func() account.Engine
}

// An OpenFaulty opens an empty engine that calls hook.
type OpenFaulty func(tb testing.TB, hook Hook) Faulty

// RunFaults tests the errors of failed commits, and what they may leave behind.
func RunFaults(t *testing.T, open OpenFaulty, without ...Exception) {
	var themes []theme
	fns := map[string]func(*testing.T){}
	for _, written := range []bool{false, true} {
		for _, c := range faultyChanges() {
			name := c.name + "Lost"
			if written {
				name = c.name + "Written"
			}
			themes = append(themes, theme{name: name})
			fns[name] = func(t *testing.T) { testFault(t, open, c, written) }
		}
	}
	run(t, themes, without, func(t *testing.T, th theme) { fns[th.name](t) })
}

// A faultyChange is a change whose commit fails. prepare runs before it. done reports
// whether the change has happened, and fails the test if only a part of it has.
type faultyChange struct {
	name    string
	prepare func(*env)
	change  func(*env) error
	done    func(*env) bool
	again   account.Code // of the same change after it has happened
}

// testFault makes a commit fail before or after it is written, and checks the data.
func testFault(t *testing.T, open OpenFaulty, c faultyChange, written bool) {
	armed := false
	f := open(t, func(w bool) error {
		if armed && w == written {
			return errInjected
		}
		return nil
	})
	v := &env{T: t, e: checked.New(f.Engine)}
	v.open(app, "boss")
	number := v.write(put("k", "1", 0))
	if c.prepare != nil {
		c.prepare(v)
	}
	armed = true
	code := account.CodeOf(c.change(v))
	_ = v.e.Close() // it may have failed
	switch {
	case code == account.Internal || code == account.Unknown:
	case code == account.Unavailable && !written:
	default:
		t.Errorf("the change ended with Code %v", code)
	}
	v = newEnv(t, f.Reopen())
	if done := c.done(v); done != written {
		t.Errorf("the change has happened: %v, want %v", done, written)
	}
	want := account.OK
	if written {
		want = c.again
	}
	if err := c.change(v); account.CodeOf(err) != want {
		t.Errorf("the same change again: %v, want Code %v", err, want)
	}
	if !c.done(v) {
		t.Error("the change has not happened after a retry")
	}
	if next := v.write(add("", "v")); next <= number {
		t.Errorf("the number %d follows %d", next, number)
	}
}

// errInjected is an error that engines do not know.
var errInjected = &account.Error{Detail: "injected"}

func faultyChanges() []faultyChange {
	create := func(v *env) { v.create(app, "a") }
	return []faultyChange{
		{"Upsert", nil, func(v *env) error {
			p := free
			p.Outbox = appendResults("o/")
			_, err := v.e.Upsert(v.Context(), app, items("a", "b"), p)
			return err
		}, func(v *env) bool { return v.all(v.exists("a"), v.exists("b"), v.hasRecord("o/")) }, account.OK},
		{"Update", create, func(v *env) error {
			p := account.ChangePolicy{Now: now, Outbox: appendCodes("o/")}
			_, err := v.e.Update(v.Context(), app, []account.Patch{{ID: "a", Kicked: 9}}, p)
			return err
		}, func(v *env) bool { return v.all(v.status(app, "a")[0].Kicked == 9, v.hasRecord("o/")) }, account.OK},
		{"Delete", create, func(v *env) error {
			p := account.ChangePolicy{Now: now, Outbox: appendCodes("o/")}
			_, err := v.e.Delete(v.Context(), app, []account.UserID{"a"}, p)
			return err
		}, func(v *env) bool { return v.all(!v.exists("a"), v.hasRecord("o/")) }, account.OK},
		{"Commit", nil, func(v *env) error {
			r, err := v.e.Record(v.Context(), kind, "k")
			if err != nil || string(r.Value) == "2" {
				return err // a caller reads the record to find out the outcome
			}
			_, err = v.e.Commit(v.Context(), account.Commit{
				Writes: []account.Write{put("k", "2", r.Version), put("new", "v", 0), add("p/", "v")},
				Spaces: []account.Space{{App: otherApp, Admins: []account.UserID{"x"}, Now: now}},
			})
			return err
		}, func(v *env) bool {
			rs := v.recordsAt(kind, "k", "new")
			return v.all(string(rs[0].Value) == "2", rs[1].Version == rs[0].Version, v.hasRecord("p/"), v.status(otherApp, "x")[0].Exists())
		}, account.OK},
		{"Create", nil, func(v *env) error {
			_, err := v.e.Commit(v.Context(), account.Commit{Writes: []account.Write{put("new", "v", 0)}})
			return err
		}, func(v *env) bool { return v.hasRecord("new") }, account.Stale},
		{"Remove", nil, func(v *env) error {
			_, err := v.e.Commit(v.Context(), account.Commit{
				Writes: []account.Write{drop("k", account.AnyVersion)},
				Spaces: []account.Space{{App: app, Remove: true}},
			})
			return err
		}, func(v *env) bool { return v.all(!v.exists("boss"), !v.hasRecord("k")) }, account.OK},
		replaceChange(),
		loadChange(),
		loaderChange(),
		loadRecordsChange(),
	}
}

// replaceChange replaces the accounts of an app by nothing, together with a record.
func replaceChange() faultyChange {
	return faultyChange{"Replace", func(v *env) { v.fillDump(app) }, func(v *env) error {
		c := replacing(new(account.Dump), "boss")
		c.Writes = []account.Write{put("reset", "v", account.AnyVersion)}
		_, err := v.e.Commit(v.Context(), c)
		return err
	}, func(v *env) bool {
		none := account.Status{}
		st := v.status(app, "a", "kicked", "both")
		return v.all(st[0] == none, st[1] == none, st[2] == none, len(v.dump(app).Gone) == 0, v.hasRecord("reset"))
	}, account.OK}
}

// all checks that either all parts of a change have happened or none, and returns which.
func (v *env) all(parts ...bool) bool {
	v.Helper()
	for _, part := range parts {
		if part != parts[0] {
			v.Errorf("only a part of the change has happened: %v", parts)
		}
	}
	return parts[0]
}

func (v *env) exists(id account.UserID) bool { return v.status(app, id)[0].Exists() }

// hasRecord reports whether there is a record whose key starts with prefix.
func (v *env) hasRecord(prefix string) bool {
	return len(v.records(account.RecordQuery{Kind: kind, Prefix: prefix, Limit: 1}).Records) > 0
}
