package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestUserSigMade(t *testing.T) {
	v := newVisitor(t)
	v.get("./usersig?identifier=alice").ok().has(`value="alice"`)
	p := v.submit("./usersig", "make", "text:identifier", "alice", "number:validity_s", "3600").ok()
	m := regexp.MustCompile(`<code>(eJ[^<]*)</code>`).FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no UserSig: %s", p.body)
	}
	if e := v.audited("usersig.make"); e.Detail != "alice for 3600 s" {
		t.Errorf("%+v", e)
	}
	if v.get("./usersig").ok(); strings.Contains(v.get("./usersig").body, m[1]) {
		t.Error("it is shown again")
	}
	v.submit("./usersig", "explain", "text:usersig", m[1]).ok().has("The server accepts this UserSig", "no admin of the app", "alice").lacks(m[1])
	v.submit("./usersig", "explain", "text:usersig", m[1][:len(m[1])-8]).ok().has("70003", "wrong", "not checked")
	v.submit("./usersig", "explain", "text:usersig", m[1], "text:identifier", "bob").ok().has("70013")
	v.submit("./usersig", "explain", "text:usersig", "<script>x</script>").ok().lacks("<script>x")
	v.submit("./usersig", "make", "text:identifier", "\n", "number:validity_s", "3600").is(http.StatusBadRequest)
	v.submit("./usersig", "make", "number:validity_s", "1").is(http.StatusBadRequest).has("validity_s")
}
