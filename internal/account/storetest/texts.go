package storetest

import (
	"unsafe"

	"rollcall/internal/account"
)

// testTextsReused imports texts whose memory is overwritten as soon as the call has
// returned, as the body of a request is. The stored texts must not change with it, for a
// new account or for a change.
func testTextsReused(v *env) {
	for _, round := range []struct{ nick, url string }{{"nick1", "url1"}, {"nick2", "url2"}, {"", "url3"}, {"", ""}} {
		memory := []byte("some id" + round.nick + round.url)
		text := unsafe.String(unsafe.SliceData(memory), len(memory))
		id, nick, url := text[:7], text[7:7+len(round.nick)], text[7+len(round.nick):]
		v.upsert(app, free, account.Upsert{ID: account.UserID(id), Nick: nick, FaceURL: url})
		v.status(app, account.UserID(id))
		for i := range memory {
			memory[i] = '#'
		}
		if st := v.status(app, "some id")[0]; !st.Exists() {
			v.Fatalf("after %+v the account does not exist", round)
		}
	}
	page := v.list(app, account.ListQuery{Limit: account.MaxListLimit})
	if len(page.Accounts) != 1 {
		v.Fatalf("%d accounts exist, want 1: %+v", len(page.Accounts), page.Accounts)
	}
	if a := page.Accounts[0]; a.ID != "some id" || a.Nick != "nick2" || a.FaceURL != "url3" {
		v.Errorf("stored as %+v", a)
	}
	v.count(app, 1)
}
