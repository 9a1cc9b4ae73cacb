package usersig

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func permit(t testing.TB, p RoomPermit) []byte {
	t.Helper()
	b, err := p.UserBuf()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoomPermit(t *testing.T) {
	base := RoomPermit{SDKAppID: vectorApp, Identifier: "xiaojun", ExpiresAt: at(halfYear), Privileges: AllPrivileges}
	numeric, named, viewer := base, base, base
	numeric.RoomID = 10000
	named.RoomName = "1000000040"
	viewer.Identifier, viewer.Privileges = "用户", ViewerPrivileges
	tests := []struct {
		name string
		p    RoomPermit
		want string
	}{
		{"numeric room", numeric, "AAAHeGlhb2p1blNyTgAAACcQZkE/AAAAAP8AAAAA"},
		{"string room", named, "AQAHeGlhb2p1blNyTgAAAAAAZkE/AAAAAP8AAAAAAAoxMDAwMDAwMDQw"},
		{"length in bytes", viewer, base64.StdEncoding.EncodeToString([]byte(
			"\x00\x00\x06用户\x53\x72\x4e\x00\x00\x00\x00\x00\x66\x41\x3f\x00\x00\x00\x00\x2a\x00\x00\x00\x00"))},
	}
	for _, test := range tests {
		if got := base64.StdEncoding.EncodeToString(permit(t, test.p)); got != test.want {
			t.Errorf("%s: UserBuf = %s; want %s", test.name, got, test.want)
		}
	}
}

func TestRoomPermitRefuses(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for name, p := range map[string]RoomPermit{
		"long identifier": {Identifier: long, ExpiresAt: at(0)},
		"long room name":  {RoomName: long, ExpiresAt: at(0)},
		"two rooms":       {RoomID: 1, RoomName: "x", ExpiresAt: at(0)},
		"no expiry":       {},
		"before 1970":     {ExpiresAt: time.Unix(-1, 0)},
		"after 2106":      {ExpiresAt: time.Unix(1<<32, 0)},
	} {
		if b, err := p.UserBuf(); err == nil {
			t.Errorf("%s: UserBuf = %x", name, b)
		}
	}
	if _, err := (RoomPermit{ExpiresAt: time.Unix(1<<32-1, 0)}).UserBuf(); err != nil {
		t.Error(err)
	}
}

func TestPrivileges(t *testing.T) {
	if AllPrivileges != 255 || ViewerPrivileges != 42 || MayReceiveSubStream != 128 {
		t.Errorf("all %d, viewer %d, sub-stream %d; want 255, 42, 128", AllPrivileges, ViewerPrivileges, MayReceiveSubStream)
	}
}
