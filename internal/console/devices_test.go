package console_test

import (
	"fmt"
	"net/http"
	"testing"

	"rollcall/client"
)

// devices returns the devices of an account.
func (v *visitor) devices(id string) *client.AccountDevices {
	v.Helper()
	d, err := v.srv.AdminClient.DevicesOf(v.Context(), v.srv.SDKAppID, id)
	if err != nil {
		v.Fatal(err)
	}
	return d
}

func TestDevices(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	const page = "./account?userid=alice"
	v.get(page).ok().has("no device that is logged in", "Offline").lacks(`<form id="set-status"`)
	v.get("./online").ok().has("No account has a device")

	v.submit(page, "login-device", "text:userid", "alice", "text:platform", "Web", "text:address", "192.0.2.7", "text:instance", "<b>x").done()
	p := v.get(page).ok().has("192.0.2.7", "&lt;b&gt;x", "Online").lacks("<b>")
	id := fmt.Sprint(v.devices("alice").Devices[0].ID)
	p.has(`<form id="drop-device-`+id, `<form id="logout-device-`+id, `<form id="end-device-`+id)
	v.submit(page, "set-status", "text:userid", "alice", "kept:custom_status", "at <lunch>").done()
	v.get(page).ok().has("at &lt;lunch&gt;")
	v.get("./online").ok().has("account?userid=alice#devices", "at &lt;lunch&gt;", "Web", "Online").lacks("PushOnline")
	v.submit(page, "login-device", "text:userid", "alice", "text:platform", "Android").done()
	phone := ""
	for _, d := range v.devices("alice").Devices {
		if d.Platform == "Android" {
			phone = fmt.Sprint(d.ID)
		}
	}
	v.submit(page, "drop-device-"+phone, "text:userid", "alice", "number:device", phone, "text:action", "drop").done()
	v.get("./online").ok().has("PushOnline") // beside the device, whose account is Online
	v.submit(page, "end-device-"+phone, "text:userid", "alice", "number:device", phone).done()

	v.submit(page, "end-device-"+id, "text:userid", "alice", "number:device", id).done()
	if d := v.devices("alice"); len(d.Devices) != 0 || d.CustomStatus != "" {
		t.Errorf("after the end: %+v", d)
	}
	v.audited("device.end")
	v.post(page, "_form", "end-device-"+id, "text:userid", "alice", "number:device", id).is(http.StatusConflict)
}

// TestVirtualDevices lets a virtual device lose its link and come back, and log out.
func TestVirtualDevices(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	const page = "./account?userid=alice"
	v.submit(page, "login-device", "text:userid", "alice", "text:platform", "Android").done()
	id := fmt.Sprint(v.devices("alice").Devices[0].ID)
	act := func(action, want string) {
		t.Helper()
		v.submit(page, action+"-device-"+id, "text:userid", "alice", "number:device", id, "text:action", action).done()
		if got := v.devices("alice").State; got != want {
			t.Errorf("after %s: %s, want %s", action, got, want)
		}
	}
	act("silence", "Online")
	v.get(page).ok().has("silent, online until", `<form id="drop-device-`).lacks(`<form id="silence-device-`)
	act("reconnect", "Online")
	v.get(page).ok().has(`<form id="silence-device-`).lacks("silent, online until", `<form id="reconnect-device-`)
	act("drop", "PushOnline")
	v.get(page).ok().has("PushOnline", "since").lacks(`<form id="drop-device-`, `<form id="silence-device-`)
	act("reconnect", "Online")
	act("logout", "Offline")
}

// TestDevicesReadOnly checks that a token of the scope read sees devices and changes none, and
// that an app that is no test app has no virtual devices.
func TestDevicesReadOnly(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	const page = "./account?userid=alice"
	v.submit(page, "login-device", "text:userid", "alice", "text:platform", "Android").done()
	id := fmt.Sprint(v.devices("alice").Devices[0].ID)
	reader := v.as("reader", "read")
	reader.get(page).ok().has("Android").lacks("<form id=")
	for _, form := range []string{"end-device-" + id, "logout-device-" + id, "drop-device-" + id, "login-device", "set-status"} {
		reader.post(page, "_form", form, "text:userid", "alice", "number:device", id, "text:platform", "Web", "kept:custom_status", "x").is(http.StatusForbidden)
	}
	if d := v.devices("alice"); len(d.Devices) != 1 || d.CustomStatus != "" || d.State != "Online" {
		t.Errorf("the devices have changed: %+v", d)
	}
	v.submit("./app", "end-test", append(v.version(), "bool:test", "false", "_confirm", v.id())...).done()
	v.get(page).ok().has(`<form id="end-device-`+id).lacks(`<form id="login-device"`, `<form id="logout-device-`, `<form id="set-status"`)
}
