package digest_test

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/digest"
)

const app account.AppID = 1400000001

// accounts returns n accounts, some of which have profiles and watermarks.
func accounts(n int) []account.Account {
	as := make([]account.Account, n)
	for i := range as {
		at := time.UnixMilli(1_770_000_000_000 + int64(i))
		as[i] = account.Account{ID: account.UserID(fmt.Sprintf("user-%05d", i)), InternalID: uint64(i + 1), Nick: "昵称", Created: at, Updated: at.Add(time.Hour)}
		if i%3 == 0 {
			as[i].Kicked, as[i].FaceURL = account.Unkicked, "url"
			as[i].Profile = []account.Field{{Tag: account.CustomPrefix + "Hobby", Value: account.Value{Text: "chess"}}, {Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}}}
		}
	}
	return as
}

// TestPinned checks that digests are those of earlier versions, which people have kept.
func TestPinned(t *testing.T) {
	for n, want := range map[int]string{
		0:    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		1:    "3c84a5d8028e3b6c498020080750a90f0a70878b27f8ea53ce409e17a35cea46",
		2000: "df3261ee9b9357f0d8350a5a28af1a91ba291658cb38e9e1f7c7ec6f0505bc50",
	} {
		d := digest.New()
		for _, a := range accounts(n) {
			d.Add(app, &a)
		}
		if got := d.String(); got != want || got != d.String() {
			t.Errorf("the digest of %d accounts is %s, want %s", n, got, want)
		}
	}
}

// TestDiffers checks that each part of an account and of a deleted id changes the digest.
func TestDiffers(t *testing.T) {
	a := accounts(1)[0]
	change := func(fn func(*account.Account)) account.Account {
		c := a
		fn(&c)
		return c
	}
	seen := map[string]string{}
	add := func(what string, d *digest.Digest) {
		if other, ok := seen[d.String()]; ok {
			t.Errorf("%s and %s have the same digest", what, other)
		}
		seen[d.String()] = what
	}
	one := func(app account.AppID, a account.Account) *digest.Digest {
		d := digest.New()
		d.Add(app, &a)
		return d
	}
	add("nothing", digest.New())
	add("an account", one(app, a))
	add("another app", one(app+1, a))
	for what, fn := range map[string]func(*account.Account){
		"id": func(a *account.Account) { a.ID = "x" }, "internal id": func(a *account.Account) { a.InternalID++ },
		"nick": func(a *account.Account) { a.Nick = "" }, "url": func(a *account.Account) { a.FaceURL = "" },
		"created": func(a *account.Account) { a.Created = a.Created.Add(time.Millisecond) },
		"updated": func(a *account.Account) { a.Updated = a.Updated.Add(time.Millisecond) },
		"kicked":  func(a *account.Account) { a.Kicked = 5 }, "profile": func(a *account.Account) { a.Profile = a.Profile[:1] },
	} {
		add(what, one(app, change(fn)))
	}
	for what, e := range map[string]account.Exported{
		"a deleted id":     {Account: account.Account{ID: "a"}, Deleted: time.UnixMilli(5)},
		"another time":     {Account: account.Account{ID: "a"}, Deleted: time.UnixMilli(6)},
		"with a watermark": {Account: account.Account{ID: "a", Kicked: 1}, Deleted: time.UnixMilli(5)},
	} {
		d := digest.New()
		d.AddGone(app, &e)
		add(what, d)
	}
}
