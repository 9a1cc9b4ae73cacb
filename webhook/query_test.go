package webhook_test

import (
	"net/netip"
	"net/url"
	"testing"
	"time"

	"rollcall/webhook"
)

func TestQuery(t *testing.T) {
	at := time.Unix(1669872112, 987654321)
	state := webhook.Query{
		SDKAppID: 1400000001, Command: webhook.CommandStateChange,
		ClientIP: netip.MustParseAddr("192.0.2.7"), OptPlatform: webhook.IOS,
	}
	alert := webhook.Query{SDKAppID: 1400000001, Command: webhook.CommandOverLimit, OptPlatform: webhook.RESTAPI}
	long := state
	long.ClientIP = netip.MustParseAddr("2001:db8::7")
	unknown := state
	unknown.ClientIP = netip.Addr{}
	const signed = "&Sign=17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061&RequestTime=1669872112"
	for _, tt := range []struct {
		name        string
		query       webhook.Query
		base, token string
		want        string
	}{
		{"state", state, "http://h/p", "", "http://h/p?SdkAppid=1400000001&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.7&OptPlatform=iOS"},
		{"token", state, "http://h", "xxxxyyyy", "http://h?SdkAppid=1400000001&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.7&OptPlatform=iOS" + signed},
		{"IPv6", long, "http://h", "", "http://h?SdkAppid=1400000001&CallbackCommand=State.StateChange&contenttype=json&ClientIP=2001%3Adb8%3A%3A7&OptPlatform=iOS"},
		{"no address", unknown, "http://h", "", "http://h?SdkAppid=1400000001&CallbackCommand=State.StateChange&contenttype=json&ClientIP=&OptPlatform=iOS"},
		{"alert", alert, "http://h", "", "http://h?SdkAppid=1400000001&CallbackCommand=Alert.RequestOverLimit&OptPlatform=RESTAPI&contenttype=json"},
		{"alert with a token", alert, "http://h", "xxxxyyyy", "http://h?SdkAppid=1400000001&CallbackCommand=Alert.RequestOverLimit&OptPlatform=RESTAPI&contenttype=json" + signed},
		{"own query", alert, "http://h/p?b=%2F&a", "", "http://h/p?b=%2F&a&SdkAppid=1400000001&CallbackCommand=Alert.RequestOverLimit&OptPlatform=RESTAPI&contenttype=json"},
		{"own query that ends in &", alert, "http://h/p?b&", "", "http://h/p?b&SdkAppid=1400000001&CallbackCommand=Alert.RequestOverLimit&OptPlatform=RESTAPI&contenttype=json"},
		{"empty query", alert, "http://h/p?", "", "http://h/p?SdkAppid=1400000001&CallbackCommand=Alert.RequestOverLimit&OptPlatform=RESTAPI&contenttype=json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base, err := url.Parse(tt.base)
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.query.URL(base, tt.token, at).String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if base.String() != tt.base {
				t.Errorf("the base became %s", base)
			}
		})
	}
}

// TestSign has the vendor's own example (protocol.md §7).
func TestSign(t *testing.T) {
	const want = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"
	if got := webhook.Sign("xxxxyyyy", 1669872112); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
