package console

import (
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// online lists the accounts that have devices.
func (v *visit) online() (*content, error) {
	o := &view.Online{Read: v.ofApp("listDevices", map[string]string{"cursor": v.query.Get("cursor")})}
	var err error
	if o.Page, err = call[adminapi.DevicesPage](v, o.Read); err != nil {
		return nil, err
	}
	return &content{page: view.OnlinePage(&v.Page, o)}, nil
}

// devicesOf returns the devices of an account, and the forms about them.
func (v *visit) devicesOf(id string) (*view.Devices, []*view.Form, error) {
	d := &view.Devices{Read: v.ofApp("readDevices", map[string]string{"userid": id})}
	var err error
	if d.Of, err = call[adminapi.AccountDevices](v, d.Read); err != nil {
		return nil, nil, err
	}
	var forms []*view.Form
	for _, device := range d.Of.Devices {
		row := view.Device{Device: device, Actions: v.deviceForms(id, &device)}
		d.Rows = append(d.Rows, row)
		forms = append(forms, row.Actions...)
	}
	if v.App.Test {
		d.Login, d.Status = v.loginForm(id), v.statusForm(id, d.Of.CustomStatus)
		forms = append(forms, d.Login, d.Status)
	}
	return d, forms, nil
}

// deviceForms returns what can happen to a device. On a test app that is what the device
// itself would do, too.
func (v *visit) deviceForms(id string, d *adminapi.Device) []*view.Form {
	number := strconv.FormatUint(d.ID, 10)
	form := func(action, route, submit string) *view.Form {
		return &view.Form{
			ID: action + "-" + number, Request: v.ofApp(route, nil), Submit: submit, Done: "devices.changed", Inline: true,
			Fields: []view.Field{
				{Name: "userid", Kind: view.Text, Value: id, Hidden: true},
				{Name: "device", Kind: view.Number, Value: number, Hidden: true},
			},
		}
	}
	end := form("end-device", "endDevice", "devices.end")
	end.Danger = true
	if !v.App.Test {
		return []*view.Form{end}
	}
	change := func(action, submit string) *view.Form {
		f := form(action+"-device", "changeDevice", submit)
		f.Fields = append(f.Fields, view.Field{Name: "action", Kind: view.Text, Value: action, Hidden: true})
		return f
	}
	forms := []*view.Form{end, change("logout", "devices.logout")}
	if d.LostAt.IsZero() {
		forms = append(forms, change("drop", "devices.drop"))
	}
	if d.LostAt.IsZero() && d.SilentTo.IsZero() {
		return append(forms, change("silence", "devices.silence"))
	}
	return append(forms, change("reconnect", "devices.reconnect"))
}

// loginForm logs in a virtual device of a test app.
func (v *visit) loginForm(id string) *view.Form {
	f := v.ofID("login-device", "loginDevice", id, "devices.login", "devices.logged-in")
	platforms := view.Field{Name: "platform", Kind: view.Text, Label: "devices.platform", Value: string(account.Android)}
	for _, p := range account.Platforms() {
		platforms.Choices = append(platforms.Choices, view.Choice{Value: string(p), Text: string(p)})
	}
	f.Fields = append(f.Fields, platforms,
		view.Field{Name: "address", Kind: view.Text, Label: "devices.address", Example: "192.0.2.7"},
		view.Field{Name: "instance", Kind: view.Text, Label: "devices.instance", Hint: "devices.instance-what"},
	)
	return f
}

// statusForm sets the custom status of an account of a test app.
func (v *visit) statusForm(id, status string) *view.Form {
	f := v.ofID("set-status", "setCustomStatus", id, "devices.set-status", "devices.changed")
	f.Fields = append(f.Fields, view.Field{Name: "custom_status", Kind: view.Kept, Label: "devices.custom-status", Hint: "devices.custom-status-what", Value: status})
	return f
}
