package admin

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"rollcall/internal/adminapi"
)

// TestAppendDevice compares devices that are written by hand with those of reflection.
func TestAppendDevice(t *testing.T) {
	address := rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("::ffff:192.0.2.7")})
	maybe := func(t *rapid.T, name string) time.Time {
		if rapid.Bool().Draw(t, name) {
			return time.Time{}
		}
		return anyTime(t)
	}
	if n := reflect.TypeFor[adminapi.Device]().NumField(); n != 10 {
		t.Errorf("a device has %d fields; write them in appendDevice, and fill them below", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := adminapi.Device{
			ID: rapid.Uint64Range(0, 1<<53).Draw(t, "id"), Platform: anyText.Draw(t, "platform"), State: anyText.Draw(t, "state"),
			Instance: anyText.Draw(t, "instance"), Address: address.Draw(t, "address"), LoginAt: anyTime(t),
			LostAt: maybe(t, "lost"), SilentTo: maybe(t, "silent"), ExpiresAt: maybe(t, "expires"), VouchedTo: maybe(t, "vouched"),
		}
		want, err := json.Marshal(&d, jsontext.AllowInvalidUTF8(true), json.WithMarshalers(json.MarshalToFunc(writeTime)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := encode(&d); err != nil || string(got) != string(want) {
			t.Fatalf("%s, %v\nwant %s", got, err, want)
		}
	})
}
