package admin_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

const kitDevices = kitApp + "/devices"

func loginDevice(b *bench, body string) adminapi.LoggedIn {
	b.Helper()
	return ok[adminapi.LoggedIn](b, 200, "POST", kitDevices+":login", body)
}

// TestDevices takes a device through its life.
func TestDevices(t *testing.T) {
	onEngines(t, func(b *bench) {
		newKitApp(b)
		in := loginDevice(b, `{"userid":"alice","platform":"ANDROID","address":"192.0.2.7","instance":"x"}`)
		want := adminapi.Device{ID: in.Device.ID, Platform: "Android", State: "Online", Instance: "x", Address: netip.MustParseAddr("192.0.2.7"), LoginAt: now.Truncate(time.Millisecond)}
		same := cmpopts.EquateComparable(netip.Addr{})
		if diff := cmp.Diff(adminapi.LoggedIn{Device: want, Replaced: []adminapi.Device{}}, in, same); diff != "" || in.Device.ID == 0 {
			b.Errorf("the login (-want +got):\n%s", diff)
		}
		change := func(action string) adminapi.AccountDevices {
			return ok[adminapi.AccountDevices](b, 200, "POST", kitDevices+":change", fmt.Sprintf(`{"userid":"alice","device":%d,"action":%q}`, in.Device.ID, action))
		}
		if d := change("silence"); d.State != "Online" || !d.Devices[0].SilentTo.Equal(want.LoginAt.Add(400*time.Second)) {
			b.Errorf("silent: %+v", d)
		}
		if d := change("reconnect"); d.State != "Online" || !d.Devices[0].SilentTo.IsZero() {
			b.Errorf("reconnected: %+v", d)
		}
		if d := ok[adminapi.AccountDevices](b, 200, "POST", kitDevices+":status", `{"userid":"alice","custom_status":"busy"}`); d.CustomStatus != "busy" {
			b.Errorf("with a status: %+v", d)
		}
		if d := change("drop"); d.State != "PushOnline" || d.CustomStatus != "" || !d.Devices[0].LostAt.Equal(want.LoginAt) {
			b.Errorf("dropped: %+v", d)
		}
		if again := loginDevice(b, `{"userid":"alice","platform":"Android"}`); len(again.Replaced) != 1 || again.Replaced[0].ID != in.Device.ID {
			b.Errorf("another device: %+v", again)
		} else if d := ok[adminapi.AccountDevices](b, 200, "POST", kitDevices+":end", fmt.Sprintf(`{"userid":"alice","device":%d}`, again.Device.ID)); d.State != "Offline" || len(d.Devices) != 0 {
			b.Errorf("ended: %+v", d)
		}
		b.problem(b.call("POST", kitDevices+":end", `{"userid":"alice","device":7}`), "not-found")
		b.problem(b.call("POST", kitDevices+":status", `{"userid":"alice","custom_status":"busy"}`), "not-found")
	})
}

// TestDeviceReplaced lets a device come back that gave way, in an app that refuses that.
func TestDeviceReplaced(t *testing.T) {
	onEngines(t, func(b *bench) {
		newKitApp(b)
		ok[adminapi.App](b, 200, "PATCH", kitApp, `{"settings":{"kicked_reconnect":"refuse"}}`)
		first := loginDevice(b, `{"userid":"alice","platform":"Web"}`)
		loginDevice(b, `{"userid":"alice","platform":"Web"}`)
		b.problem(b.call("POST", kitDevices+":change", fmt.Sprintf(`{"userid":"alice","device":%d,"action":"reconnect"}`, first.Device.ID)), "conflict")
	})
}

// TestListDevices reads the accounts that have devices, page by page.
func TestListDevices(t *testing.T) {
	onEngines(t, func(b *bench) {
		newKitApp(b)
		for i := range 3 {
			loginDevice(b, fmt.Sprintf(`{"userid":"u/%d","platform":"Web"}`, i))
		}
		var got []string
		for cursor := ""; ; {
			p := ok[adminapi.DevicesPage](b, 200, "GET", kitDevices+"?limit=2&cursor="+cursor, "")
			for _, a := range p.Accounts {
				got = append(got, a.UserID+" "+a.State)
			}
			if cursor = p.NextCursor; cursor == "" {
				break
			}
		}
		if text := strings.Join(got, ", "); text != "u/0 Online, u/1 Online, u/2 Online" {
			b.Errorf("the list is %s", text)
		}
		if d := ok[adminapi.AccountDevices](b, 200, "GET", kitDevices+":get?userid="+url.QueryEscape("u/1"), ""); d.State != "Online" {
			b.Errorf("u/1 is %+v", d)
		}
		b.problem(b.call("GET", kitDevices+"?cursor=!", ""), "bad-request")
		b.problem(b.call("GET", kitDevices+"?limit=0", ""), "bad-request")
		b.problem(b.call("GET", kitDevices+":get?userid=nobody", ""), "not-found")
	})
}

// TestDeviceUserSig logs in with UserSigs.
func TestDeviceUserSig(t *testing.T) {
	onEngines(t, func(b *bench) {
		newKitApp(b)
		sig := ok[adminapi.UserSig](b, 200, "POST", kitApp+"/usersig", `{"identifier":"alice","validity_s":60}`)
		in := loginDevice(b, fmt.Sprintf(`{"userid":"alice","platform":"Web","usersig":%q}`, sig.UserSig))
		if !in.Device.ExpiresAt.Equal(sig.ExpiresAt.Truncate(time.Second)) {
			b.Errorf("the device ends at %v, the UserSig at %v", in.Device.ExpiresAt, sig.ExpiresAt)
		}
		refused(b, b.call("POST", kitDevices+":login", fmt.Sprintf(`{"userid":"bob","platform":"Web","usersig":%q}`, sig.UserSig)), "70013")
		refused(b, b.call("POST", kitDevices+":login", `{"userid":"alice","platform":"Web","usersig":"x"}`), "70003")
		ok[adminapi.Account](b, 200, "POST", kitApp+"/accounts:kick", `{"userid":"alice"}`)
		ok[adminapi.Clock](b, 200, "PATCH", kitApp+"/clock", `{"advance_ms":1000}`)
		ok[adminapi.Account](b, 200, "POST", kitApp+"/accounts:kick", `{"userid":"alice"}`)
		refused(b, b.call("POST", kitDevices+":login", fmt.Sprintf(`{"userid":"alice","platform":"Web","usersig":%q}`, sig.UserSig)), "70052")
	})
}

// refused checks that the UserSig of a login was refused with a code.
func refused(b *bench, r reply, code string) {
	b.Helper()
	if p := b.problem(r, "bad-request"); !strings.Contains(p.Detail, "the UserSig is refused with "+code+": ") {
		b.Errorf("the problem is %q, want %s", p.Detail, code)
	}
}

// TestBadDevices sends what is not allowed.
func TestBadDevices(t *testing.T) {
	onEngines(t, func(b *bench) {
		newKitApp(b)
		id := loginDevice(b, `{"userid":"alice","platform":"Web"}`).Device.ID
		for path, bodies := range map[string][]string{
			":login":  {`{"userid":"alice"}`, `{"userid":"alice","platform":"tv"}`, `{"userid":"@x","platform":"Web"}`, `{"userid":"alice","platform":"Web","address":"x"}`},
			":change": {fmt.Sprintf(`{"userid":"alice","device":%d,"action":"dance"}`, id), fmt.Sprintf(`{"userid":"alice","device":%d,"action":"drop","reason":"left"}`, id), fmt.Sprintf(`{"userid":"alice","device":%d,"action":"silence","reason":"rain"}`, id), `{"userid":"@x","device":1,"action":"drop"}`},
			":status": {`{"userid":"alice","custom_status":"` + strings.Repeat("x", 101) + `"}`},
		} {
			for _, body := range bodies {
				b.problem(b.call("POST", kitDevices+path, body), "bad-request")
			}
		}
		usual := "/admin/v1/apps/1400000003"
		b.secret(ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000003}`).Secret)
		b.problem(b.call("POST", usual+"/devices:login", `{"userid":"alice","platform":"Web"}`), "forbidden")
		ok[adminapi.DevicesPage](b, 200, "GET", usual+"/devices", "")
		if in, err := b.dir.Devices(b.Context(), 1400000002, "alice"); err != nil || len(in.Devices) != 1 || in.Devices[0].Platform != account.Web {
			b.Errorf("alice has %+v, %v", in, err)
		}
	})
}

// TestReportDevices reports the links of a gateway.
func TestReportDevices(t *testing.T) {
	onEngines(t, func(b *bench) {
		newKitApp(b)
		report := func(body string) adminapi.ReportedDevices {
			b.Helper()
			return ok[adminapi.ReportedDevices](b, 200, "POST", kitDevices+":report", `{"reports":[`+body+`]}`)
		}
		state := func(want string) {
			b.Helper()
			if d := ok[adminapi.AccountDevices](b, 200, "GET", kitDevices+":get?userid=bob", ""); d.State != want {
				b.Errorf("bob is %+v, want %s", d, want)
			}
		}
		const bob = `"userid":"bob","platform":"Android","instance":"gw/1"`
		if r := report(`{` + bob + `,"vouched_ms":90000}`); r.Applied != 1 {
			b.Errorf("the first report: %+v", r)
		}
		state("Online")
		advance := func(ms int) {
			b.Helper()
			ok[adminapi.Clock](b, 200, "PATCH", kitApp+"/clock", fmt.Sprintf(`{"advance_ms":%d}`, ms))
		}
		advance(60_000)
		report(`{` + bob + `,"vouched_ms":90000}`)
		advance(89_999)
		state("Online")
		advance(1)
		state("PushOnline")
		report(`{` + bob + `,"vouched_ms":90000}`)
		state("Online")
		report(`{` + bob + `}`)
		state("PushOnline")
		report(`{` + bob + `,"logout":true}`)
		state("Offline")
		got := report(`{"userid":"@x","platform":"Web","instance":"i","vouched_ms":1},{"userid":"nobody","platform":"Web","instance":"i"},{"userid":"bob","platform":"Web","vouched_ms":1},{` + bob + `,"vouched_ms":9000000000000000000},{"userid":"carol","platform":"Web","instance":"i","vouched_ms":1000}`)
		var codes []string
		for _, r := range got.Results {
			codes = append(codes, r.Code)
		}
		if want := []string{"bad-request", "not-found", "bad-request", "bad-request", ""}; !cmp.Equal(codes, want) || got.Applied != 1 {
			b.Errorf("the results are %+v, want %v", got, want)
		}
		b.problem(b.call("POST", kitDevices+":report", `{"reports":[]}`), "bad-request")
		many := strings.Repeat(`{`+bob+`},`, 250) + `{` + bob + `}`
		b.problem(b.call("POST", kitDevices+":report", `{"reports":[`+many+`]}`), "too-large")
	})
}
