package storetest

import (
	"testing"

	"pgregory.net/rapid"

	"rollcall/internal/account"
)

// A Staged is an engine whose test controls what usually happens by chance: which calls are
// decided together, and when the stages of work in the background happen.
type Staged interface {
	account.Engine

	// Together makes calls that the engine decides together, in their order. It returns when
	// all have ended.
	Together(t *rapid.T, calls []func())

	// Actions returns further actions by name, such as a stage of a flush or a restart. None
	// changes what a reader finds.
	Actions() map[string]func(*rapid.T)
}

// maxSteps is how many actions a run makes. Later ones take longer, because an engine
// accumulates tables, and find no more than those of the next run.
const maxSteps = 30

// PropertyStaged is [Property] with calls that are decided together, and with the actions
// of the engine in between. It compares all accounts after every action.
func PropertyStaged(t *testing.T, open func(*rapid.T) Staged) {
	rapid.Check(t, func(rt *rapid.T) {
		e := open(rt)
		m := newMachine(rt, e)
		for _, id := range allApps {
			c := m.commit(account.Commit{Spaces: []account.Space{{App: id, Now: now}}}, nil)
			c.call()
			m.check(c)
		}
		m.actions = map[string]func(*rapid.T){}
		if _, ok := account.Find[account.Dumper](m.engine); ok {
			m.actions["dump"] = m.dump
		}
		steps := 0
		for name, act := range e.Actions() {
			m.actions[name] = func(rt *rapid.T) {
				if steps++; steps <= maxSteps {
					m.together(rt, e)
					act(rt)
					m.readAll(rt)
				}
			}
		}
		m.actions["list"] = func(rt *rapid.T) {
			m.list(rt)
			m.readRecords(rt)
		}
		m.run()
	})
}

// A drawnCall is a call with drawn arguments that changes the engine.
type drawnCall struct {
	call  func() // makes the call on the engine
	check func() // then makes it on the model and compares the results
}

// check checks calls that the engine has decided in their order.
func (m *machine) check(cs ...drawnCall) {
	for _, c := range cs {
		c.check()
	}
	m.learn()
}

// coded returns a call whose results are codes.
func (m *machine) coded(what string, call func(account.Engine) ([]account.Code, error)) drawnCall {
	var got []account.Code
	var err error
	return drawnCall{
		call: func() { got, err = call(m.engine) },
		check: func() {
			want, wantErr := call(m.model)
			m.equal(what, got, want, err, wantErr)
		},
	}
}

// manyChanges draws names of changes. Those of existing accounts are the most frequent.
var manyChanges = rapid.SliceOfN(rapid.SampledFrom([]string{"update", "upsert", "update", "upsert", "delete", "spaces", "records"}), 1, 6)

// together makes a few drawn calls that e decides together. It repeats a panic of a call,
// because rapid sees only those of its own goroutine.
func (m *machine) together(t *rapid.T, e Staged) {
	var cs []drawnCall
	if rapid.IntRange(0, 15).Draw(t, "renew a space") == 0 {
		cs = m.renew(t)
	}
	if load, ok := m.changes["load"]; ok && rapid.IntRange(0, 3).Draw(t, "load") == 0 {
		cs = append(cs, load(t))
	}
	for _, name := range manyChanges.Draw(t, "changes") {
		cs = append(cs, m.changes[name](t))
	}
	calls, panics := make([]func(), len(cs)), make([]any, len(cs))
	for i, c := range cs {
		calls[i] = func() {
			defer func() { panics[i] = recover() }()
			c.call()
		}
	}
	e.Together(t, calls)
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	m.check(cs...)
}

// renew returns calls that empty a space, remove it, and create it again.
func (m *machine) renew(t *rapid.T) []drawnCall {
	id := anyApp.Draw(t, "app")
	return []drawnCall{
		m.deletion(id, allIDs, anyChange(t)),
		m.commit(account.Commit{Spaces: []account.Space{{App: id, Remove: true}}}, nil),
		m.commit(account.Commit{Spaces: []account.Space{{App: id, Admins: admins.Draw(t, "admins"), Now: now}}}, nil),
	}
}

// readAll compares all accounts.
func (m *machine) readAll(t *rapid.T) {
	_, exports := account.Find[account.Exporter](m.engine)
	for _, id := range allApps {
		m.read(id, allIDs)
		if exports {
			m.compareExports(id, account.ExportQuery{Gone: true})
		}
	}
	m.count(t)
}
