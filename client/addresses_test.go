package client_test

import (
	"slices"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/rollcalltest"
)

func TestIPList(t *testing.T) {
	list := []string{"127.0.0.2", "183.192.202.0/25"}
	for _, test := range []struct{ set, want []string }{{nil, []string{"127.0.0.1"}}, {list, list}} {
		srv := rollcalltest.NewServer(t, rollcalltest.WithSettings(client.Settings{IPList: test.set}))
		if got, err := srv.Client.IPList(t.Context()); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("IPList with the setting %q = %q, %v; want %q", test.set, got, err, test.want)
		}
		made, err := srv.AdminClient.MakeCall(t.Context(), srv.SDKAppID, client.NewCall{Command: "GetIPList"})
		if want := `"` + test.want[0] + `"`; err != nil || !strings.Contains(made.Body, want) {
			t.Errorf("MakeCall = %+v, %v; want %s", made, err, want)
		}
	}
}
