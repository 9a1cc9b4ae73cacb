package client_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
	"rollcall/rollcalltest"
)

func TestAppInfo(t *testing.T) {
	today := func() string { return time.Now().In(time.FixedZone("", 14*60*60)).Format("20060102") }
	begin := today()
	srv := rollcalltest.NewServer(t, rollcalltest.WithSettings(client.Settings{FiguresZone: "Pacific/Kiritimati"}))
	for range 2 {
		if _, err := srv.AdminClient.LoginDevice(t.Context(), srv.SDKAppID, client.DeviceLogin{UserID: "alice", Platform: "Android"}); err != nil {
			t.Fatal(err)
		}
	}
	days, err := srv.Client.AppInfo(t.Context(), "LoginTimes", "LoginUserNum", "MaxOnlineNum", "RegistUserNumOneDay", "UpMsgNum")
	if err != nil || len(days) != 30 {
		t.Fatalf("%d days, %v", len(days), err)
	}
	if today() != begin {
		t.Skip("a day has ended meanwhile")
	}
	want := client.AppInfo{Date: begin, LoginTimes: "2", LoginUserNum: "1", MaxOnlineNum: "1", RegistUserNumOneDay: "1", UpMsgNum: "0"}
	if diff := cmp.Diff(want, days[0]); diff != "" {
		t.Errorf("today (-want +got):\n%s", diff)
	}
	list, err := srv.AdminClient.FigureDays(t.Context(), srv.SDKAppID)
	if err != nil || len(list.Days) != 30 || list.Days[29].Logins != 2 || list.Days[29].Users != 1 || list.Days[29].Accounts != 2 || list.Zone != "Pacific/Kiritimati" {
		t.Errorf("%+v, %v", list, err)
	}
	whole, err := srv.Client.AppInfo(t.Context())
	if err != nil || len(whole) != 30 || whole[0].ActiveUserNum != "1" || whole[1].ActiveUserNum != "0" || whole[0].RegistUserNumTotal != "2" {
		t.Errorf("%+v, %v", whole, err)
	}
}
