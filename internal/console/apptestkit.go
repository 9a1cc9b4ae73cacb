package console

import (
	"strconv"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
	"rollcall/internal/faults"
)

// appTestkit shows the tools of a test app: its clock, faults, snapshots and reset.
func (v *visit) appTestkit() (*content, error) {
	if !v.App.Test {
		return &content{page: view.NoTestkitPage(&v.Page)}, nil
	}
	k := &view.Testkit{Reset: &view.Form{
		ID: "reset", Request: v.ofApp("resetApp", nil), Submit: "testkit.reset-do", Done: "testkit.was-reset", Danger: true, Confirm: v.appID(),
	}}
	c := &content{forms: []*view.Form{k.Reset}}
	for _, add := range []func(*view.Testkit) ([]*view.Form, error){v.clock, v.faults, v.snapshots} {
		forms, err := add(k)
		if err != nil {
			return nil, err
		}
		c.forms = append(c.forms, forms...)
	}
	c.page = view.TestkitPage(&v.Page, k)
	return c, nil
}

// clock adds the clock to k, and returns its forms.
func (v *visit) clock(k *view.Testkit) (forms []*view.Form, err error) {
	if k.Clock, err = call[adminapi.Clock](v, v.ofApp("readClock", nil)); err != nil {
		return nil, err
	}
	change := func(id, submit string, inline bool, fields ...view.Field) *view.Form {
		f := &view.Form{ID: id, Request: v.ofApp("changeClock", nil), Fields: fields, Submit: submit, Done: "testkit.clock-changed", Inline: inline}
		forms = append(forms, f)
		return f
	}
	k.SetClock = change("clock-set", "testkit.set", false,
		view.Field{Name: "now", Kind: view.Time, Label: "testkit.set-time", Value: k.Clock.Now.UTC().Format("2006-01-02T15:04:05"), Required: true})
	k.Advance = change("clock-advance", "testkit.advance", false,
		view.Field{Name: "advance_ms", Kind: view.Milliseconds, Label: "testkit.advance-by", Hint: "testkit.advance-by-what", Example: "1h30m", Required: true})
	for _, step := range []struct{ id, ms, submit string }{
		{"clock-hour", "3600000", "testkit.hour"}, {"clock-day", "86400000", "testkit.day"}, {"clock-week", "604800000", "testkit.week"},
	} {
		k.Quick = append(k.Quick, change(step.id, step.submit, true, view.Field{Name: "advance_ms", Kind: view.Number, Value: step.ms, Hidden: true}))
	}
	submit := "testkit.freeze"
	if k.Clock.Frozen {
		submit = "testkit.run"
	}
	k.Quick = append(k.Quick, change("clock-freeze", submit, true, view.Field{Name: "frozen", Kind: view.Bool, Value: strconv.FormatBool(!k.Clock.Frozen), Hidden: true}))
	real := &view.Form{ID: "clock-real", Request: v.ofApp("resetClock", nil), Submit: "testkit.real", Done: "testkit.clock-changed", Inline: true}
	k.Quick = append(k.Quick, real)
	return append(forms, real), nil
}

// faults adds the faults to k, and returns their forms.
func (v *visit) faults(k *view.Testkit) ([]*view.Form, error) {
	list, err := call[adminapi.FaultList](v, v.ofApp("listFaults", nil))
	if err != nil {
		return nil, err
	}
	k.AddFault = &view.Form{
		ID: "add-fault", Request: v.ofApp("addFault", nil), Submit: "testkit.add-fault", Done: "testkit.fault-added", Fields: v.faultFields(),
	}
	k.AddFault.Next = v.In("app/testkit") + "#faults"
	k.ClearFaults = &view.Form{
		ID: "clear-faults", Request: v.ofApp("clearFaults", nil), Submit: "testkit.clear-faults", Done: "testkit.faults-cleared", Danger: true, Inline: true, Next: k.AddFault.Next,
	}
	forms := []*view.Form{k.AddFault, k.ClearFaults}
	for _, f := range list.Faults {
		r := v.ofApp("removeFault", nil)
		r.Params["id"] = f.ID
		remove := &view.Form{
			ID: formID("remove-fault", f.ID), Request: r, Submit: "testkit.remove", Done: "testkit.fault-removed", Danger: true, Inline: true, Next: k.AddFault.Next,
		}
		k.Faults = append(k.Faults, view.Fault{ActiveFault: f, Remove: remove})
		forms = append(forms, remove)
	}
	return forms, nil
}

// faultFields returns a field for each member of a fault.
func (v *visit) faultFields() []view.Field {
	commands := []view.Choice{{Value: "", Text: v.T("testkit.every-command")}}
	for _, command := range v.c.dir.Commands() {
		commands = append(commands, view.Choice{Value: command, Text: command})
	}
	cuts := []view.Choice{
		{Value: "", Text: v.T("testkit.no")},
		{Value: faults.CutBefore, Text: v.T("testkit.cut-before")},
		{Value: faults.CutMiddle, Text: v.T("testkit.cut-middle")},
	}
	return []view.Field{
		{Name: "command", Kind: view.Text, Label: "testkit.f.command", Choices: commands},
		{Name: "code", Kind: view.Number, Label: "testkit.f.code"},
		{Name: "info", Kind: view.Text, Label: "testkit.f.info"},
		{Name: "status", Kind: view.Number, Label: "testkit.f.status", Hint: "testkit.f.status-what"},
		{Name: "delay_ms", Kind: view.Milliseconds, Label: "testkit.f.delay", Hint: "testkit.f.delay-what", Example: "500ms"},
		{Name: "cut", Kind: view.Text, Label: "testkit.f.cut", Choices: cuts},
		{Name: "run", Kind: view.Bool, Label: "testkit.f.run", Hint: "testkit.f.run-what"},
		{Name: "after", Kind: view.Number, Label: "testkit.f.after"},
		{Name: "times", Kind: view.Number, Label: "testkit.f.times", Hint: "testkit.f.times-what"},
		{Name: "probability", Kind: view.Number, Label: "testkit.f.probability", Hint: "testkit.f.probability-what"},
		{Name: "seed", Kind: view.Number, Label: "testkit.f.seed", Hint: "testkit.f.seed-what"},
		{Name: "fail_items", Kind: view.Number, Label: "testkit.f.fail-items", Hint: "testkit.f.fail-items-what"},
		{Name: "item_code", Kind: view.Number, Label: "testkit.f.item-code", Hint: "testkit.f.item-code-what"},
		{Name: "fail_userids", Kind: view.Lines, Label: "testkit.f.fail-userids", Hint: "appset.lines"},
	}
}

// snapshots adds the snapshots to k, and returns their forms. A store may have none.
func (v *visit) snapshots(k *view.Testkit) ([]*view.Form, error) {
	list, err := call[adminapi.SnapshotList](v, v.ofApp("listSnapshots", nil))
	if err != nil {
		if p := admin.ProblemOf(err); p.Code == "unsupported" {
			k.NoSnapshots = &p
			return nil, nil
		}
		return nil, err
	}
	k.Take = &view.Form{
		ID: "take", Request: v.ofApp("takeSnapshot", nil), Submit: "testkit.take", Done: "testkit.snapshot-taken",
		Fields: []view.Field{{Name: "name", Kind: view.Text, Label: "testkit.snapshot", Hint: "testkit.snapshot-what", Required: true}},
		Next:   v.In("app/testkit") + "#snapshots",
	}
	forms := []*view.Form{k.Take}
	for _, s := range list.Snapshots {
		row := view.Snapshot{Snapshot: s}
		row.Restore = v.snapshotForm("restore", "restoreSnapshot", s.Name, "testkit.restore-do", "testkit.restored")
		row.Delete = v.snapshotForm("delete-snapshot", "deleteSnapshot", s.Name, "testkit.delete", "testkit.snapshot-deleted")
		k.Snapshots = append(k.Snapshots, row)
		forms = append(forms, row.Restore, row.Delete)
	}
	return forms, nil
}

func (v *visit) snapshotForm(id, route, name, submit, done string) *view.Form {
	r := v.ofApp(route, nil)
	r.Params["name"] = name
	return &view.Form{ID: formID(id, name), Request: r, Submit: submit, Done: done, Danger: true, Inline: true, Next: v.In("app/testkit") + "#snapshots"}
}
