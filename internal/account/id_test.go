package account_test

import (
	"errors"
	"strings"
	"testing"

	"rollcall/internal/account"
)

// detail returns the Detail of err and checks its Code.
func detail(t *testing.T, err error, want account.Code) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*account.Error](err)
	if !ok || e.Code != want {
		t.Fatalf("error %v, want one with code %v", err, want)
	}
	return e.Detail
}

func TestUserID(t *testing.T) {
	const (
		fine     = ""
		empty    = "the UserID is empty; give 1 to 32 bytes"
		long     = "the UserID is longer than 32 bytes; shorten it"
		reserved = "UserIDs that start with @ or #TOA# are reserved; choose another"
		robot    = "UserIDs that start with @RBT# belong to robots; use create_robot and delete_robot"
		spelling = "the UserID may hold only printable ASCII (0x20 to 0x7E)"
		word     = "the UserID may hold only letters, digits, _ and -"
	)
	for _, tt := range []struct {
		id           account.UserID
		want, strict string
	}{
		{"", empty, empty},
		{"a", fine, fine},
		{account.UserID(strings.Repeat("a", 32)), fine, fine},
		{account.UserID(strings.Repeat("a", 33)), long, long},
		{account.UserID(strings.Repeat("@", 33)), long, long}, // the length is checked first
		{account.UserID(strings.Repeat("é", 17)), long, long}, // 34 bytes of 17 letters
		{account.Administrator, fine, fine},
		{"azAZ09_-", fine, fine},
		{"-", fine, fine},
		{" ", fine, word},
		{"~", fine, word},
		{"a b", fine, word},
		{"a.b", fine, word},
		{"a@b", fine, word},
		{"a/b?c=d&e%20", fine, word},
		{`"<\>`, fine, word},
		{"\x1f", spelling, word},
		{"a\x00", spelling, word},
		{"a\n", spelling, word},
		{"a\x7f", spelling, word},
		{"a\x80", spelling, word},
		{"Ünal", spelling, word},
		{"用户", spelling, word},
		{"\xff", spelling, word},
		{"@", reserved, reserved},
		{"@RBT#", robot, robot},
		{"@RBT#001", robot, robot},
		{"@rbt#001", reserved, reserved},
		{"@TGS#a", reserved, reserved},
		{"@TLS#NOT_FOUND", reserved, reserved},
		{"@\x00", reserved, reserved}, // the prefix is checked before the spelling
		{"#TOA#", reserved, reserved},
		{"#TOA#x", reserved, reserved},
		{"#toa#x", fine, word}, // case-sensitive
		{"#TOA", fine, word},
		{"x#TOA#", fine, word},
	} {
		if got := detail(t, tt.id.Validate(false), account.InvalidID); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.id, got, tt.want)
		}
		if got := detail(t, tt.id.Validate(true), account.InvalidID); got != tt.strict {
			t.Errorf("%q, strict: %q, want %q", tt.id, got, tt.strict)
		}
	}
}

func TestRobotID(t *testing.T) {
	const (
		fine     = ""
		prefix   = "the UserID of a robot starts with @RBT#; add it"
		long     = "the UserID is longer than 32 bytes; shorten it"
		nameless = "the UserID ends after @RBT#; add the name of the robot"
		spelling = "the UserID may hold only printable ASCII (0x20 to 0x7E)"
	)
	app := new(account.App)
	for id, want := range map[account.UserID]string{
		"@RBT#001": fine,
		"@RBT#@ #": fine,
		"@RBT#" + account.UserID(strings.Repeat("a", 27)): fine,
		"@RBT#" + account.UserID(strings.Repeat("a", 28)): long,
		"@RBT#":     nameless,
		"@RBT#\x1f": spelling,
		"@RBT#机":    spelling,
		"":          prefix,
		"RBT#001":   prefix,
		"@rbt#001":  prefix,
		"@RBT":      prefix,
	} {
		if got := detail(t, id.ValidateRobot(), account.InvalidID); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
		why := app.WhyUnknown(id)
		switch {
		case want == fine && why != "the app has no such robot; create it with create_robot",
			want != fine && id.IsRobot() && why != want,
			want == prefix && why != detail(t, id.Validate(false), account.InvalidID):
			t.Errorf("%q is unknown: %q", id, why)
		}
	}
	if why := app.WhyUnknown("alice"); why != "" {
		t.Errorf("alice is unknown: %q", why)
	}
}
