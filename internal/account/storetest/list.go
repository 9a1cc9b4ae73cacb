package storetest

import (
	"fmt"
	"slices"
	"sync"

	"rollcall/internal/account"
)

// awkward contains ids from all limits of the alphabet, in byte order.
var awkward = []account.UserID{
	" ", "  ", " a", "!", "#TOA", "%", "/", "//", "0", "10", "9", "A", "Z", "_", "a", "a ", "a/", "a/b", "a0",
	"aa", "ab", "abc", "ab~", "b", "z", "~", "~~", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
}

func testListOrder(v *env) {
	shuffled := slices.Clone(awkward)
	for i := range shuffled {
		j := (i * 11) % len(shuffled)
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	v.create(app, shuffled...)
	page := v.list(app, account.ListQuery{Limit: account.MaxListLimit})
	v.equal("ids", ids(page.Accounts), awkward)
	v.equal("whole accounts", page.Accounts, v.lookup(app, awkward...))
	if page.Next != "" {
		v.Errorf("Next = %q, want none", page.Next)
	}
}

// testListPages lists all accounts in pages of every size.
func testListPages(v *env) {
	v.create(app, awkward...)
	for limit := 1; limit <= len(awkward)+1; limit++ {
		var got []account.UserID
		q := account.ListQuery{Limit: limit}
		for {
			page := v.list(app, q)
			got = append(got, ids(page.Accounts)...)
			if q.After = page.Next; q.After == "" {
				break
			}
			if len(got) >= len(awkward) {
				v.Fatalf("pages of %d: Next %q after the last account", limit, q.After)
			}
		}
		v.equal(fmt.Sprintf("pages of %d", limit), got, awkward)
	}
	page := v.list(app, account.ListQuery{After: "a/c", Limit: 2}) // an id without an account
	v.equal("after an absent id", ids(page.Accounts), []account.UserID{"a0", "aa"})
}

func testListPrefix(v *env) {
	v.create(app, awkward...)
	for _, tt := range []struct {
		prefix, after account.UserID
		limit         int
		want          []account.UserID
		next          account.UserID
	}{
		{"a", "", 100, []account.UserID{"a", "a ", "a/", "a/b", "a0", "aa", "ab", "abc", "ab~"}, ""},
		{"a", "", 2, []account.UserID{"a", "a "}, "a "},
		{"a", "ab", 100, []account.UserID{"abc", "ab~"}, ""},
		{"a", "ab", 1, []account.UserID{"abc"}, "abc"},
		{"a", "abc", 1, []account.UserID{"ab~"}, ""},
		{"a", "A", 1, []account.UserID{"a"}, "a"},
		{"a", "b", 100, []account.UserID{}, ""},
		{"a/", "", 100, []account.UserID{"a/", "a/b"}, ""},
		{" ", "", 100, []account.UserID{" ", "  ", " a"}, ""},
		{"~", "", 100, []account.UserID{"~", "~~", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"}, ""},
		{"nothing", "", 100, []account.UserID{}, ""},
	} {
		page := v.list(app, account.ListQuery{Prefix: tt.prefix, After: tt.after, Limit: tt.limit})
		name := fmt.Sprintf("prefix %q after %q limit %d", tt.prefix, tt.after, tt.limit)
		v.equal(name, ids(page.Accounts), tt.want)
		if page.Next != tt.next {
			v.Errorf("%s: Next = %q, want %q", name, page.Next, tt.next)
		}
	}
}

// testListApps lists apps whose numbers are adjacent in any encoding.
func testListApps(v *env) {
	apps := []account.AppID{1, 2, 255, 256, app - 1, app, otherApp, 1<<32 - 1}
	for _, id := range apps {
		if id != app && id != otherApp {
			v.open(id)
		}
	}
	for _, a := range apps {
		id := account.UserID(fmt.Sprintf("of-%d", a))
		v.create(a, id, "~")
	}
	for _, a := range apps {
		page := v.list(a, account.ListQuery{Limit: 10})
		v.equal(fmt.Sprint("app ", a), ids(page.Accounts), []account.UserID{account.UserID(fmt.Sprintf("of-%d", a)), "~"})
	}
	if page := v.list(3, account.ListQuery{Limit: 10}); len(page.Accounts) != 0 {
		v.Errorf("an empty app lists %q", ids(page.Accounts))
	}
}

// testListDeleted checks that deleted accounts, tombstones and watermarks are not listed
// and do not shorten a page.
func testListDeleted(v *env) {
	v.create(app, "a", "b", "c", "d", "e")
	v.update(app, now, account.Patch{ID: "b", Kicked: 1})
	v.delete(app, now, "b", "c", "e")
	page := v.list(app, account.ListQuery{Limit: 2})
	v.equal("ids", ids(page.Accounts), []account.UserID{"a", "d"})
	if page.Next != "" {
		v.Errorf("Next = %q, want none", page.Next)
	}
	v.create(app, "b")
	v.equal("after b came back", ids(v.list(app, account.ListQuery{Limit: 9}).Accounts), []account.UserID{"a", "b", "d"})
}

// testCountConcurrent imports and deletes overlapping ids in concurrent calls.
func testCountConcurrent(v *env) {
	const callers, rounds = 8, 15
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range rounds {
				batch := []account.UserID{"shared", account.UserID(fmt.Sprintf("u%d", i%5)), account.UserID(fmt.Sprintf("c%d-%d", c, i))}
				v.upsertIn(free, batch)
				if _, err := v.e.Delete(v.Context(), app, batch[:1+i%3], account.ChangePolicy{Now: now}); err != nil {
					v.Errorf("Delete: %v", err)
				}
			}
		})
	}
	wg.Wait()
	v.count(app, int64(len(v.list(app, account.ListQuery{Limit: account.MaxListLimit}).Accounts)))
}
