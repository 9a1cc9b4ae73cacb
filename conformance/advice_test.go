package conformance

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rollcall/internal/wire"
)

// checkAdvice checks the Rollcall-Advice of a response. Every step of every transcript
// calls it. There are three cases:
//
//   - If the call fails, the advice ends with the remedy of its code.
//   - If only items fail, the advice ends with the remedy of the first item that fails.
//   - Otherwise there is no advice.
func checkAdvice(t *testing.T, name, response string, h http.Header) {
	t.Helper()
	if fault := adviceFault(t, response, h); fault != "" {
		t.Errorf("%s: Rollcall-Advice = %q, %s: %s", name, h.Get("Rollcall-Advice"), fault, response)
	}
}

// nothingToDelete is the remedy of an item of account_delete. It replaces the advice to
// import the account. No other ResultItem has that code.
const nothingToDelete = " The account does not exist: there is nothing to delete."

// adviceFault returns what is wrong with the Rollcall-Advice of a response, or "".
func adviceFault(t *testing.T, response string, h http.Header) string {
	t.Helper()
	advice := h.Get("Rollcall-Advice")
	code, items := failure(t, response, h)
	remedy := wire.Lookup(code).Advice
	if strings.Contains(response, `"ResultItem"`) && code == wire.NoAccount {
		remedy = nothingToDelete
	}
	switch {
	case code == wire.OK && advice == "":
		return ""
	case code == wire.OK:
		return "and nothing failed"
	case remedy == "" || !strings.HasSuffix(advice, remedy):
		return "want the remedy of " + strconv.Itoa(int(code))
	case items > 0 && countOf(advice) < items:
		return "want it to count " + strconv.Itoa(items) + " items"
	case items > 0 && codeOf(advice) != code:
		return "want it to name " + strconv.Itoa(int(code))
	}
	return ""
}

// failure returns the code that a response fails with, and the number of its items. The
// code is that of the call if the call fails, and that of the first failed item
// otherwise. An item of FailAccounts has no code in the response. Its code is in
// Rollcall-Explain if the request asks for that header. Otherwise it must be the code
// that the advice names.
func failure(t *testing.T, response string, h http.Header) (code wire.Code, items int) {
	t.Helper()
	var a struct {
		ErrorCode       wire.Code
		FailAccounts    []string
		ResultItem      []struct{ ResultCode wire.Code }
		ErrorList       []struct{ ErrorCode wire.Code }
		UserProfileItem []struct{ ResultCode wire.Code }
	}
	if err := json.Unmarshal([]byte(response), &a); err != nil {
		t.Fatal(err)
	}
	if a.ErrorCode != wire.OK {
		return a.ErrorCode, 0
	}
	var codes []wire.Code
	for _, item := range append(a.ResultItem, a.UserProfileItem...) {
		codes = append(codes, item.ResultCode)
	}
	for _, item := range a.ErrorList {
		codes = append(codes, item.ErrorCode)
	}
	codes = slices.DeleteFunc(codes, func(c wire.Code) bool { return c == wire.OK })
	switch {
	case len(a.FailAccounts) > 0:
		return importCode(h), len(a.FailAccounts)
	case len(codes) > 0:
		return codes[0], len(codes)
	}
	return wire.OK, 0
}

// importCode returns the code of the first failed item of an import, from
// Rollcall-Explain or, without that header, from the advice. It returns -1, which has no
// remedy, if items of imports cannot fail with that code.
func importCode(h http.Header) wire.Code {
	code := codeOf(h.Get("Rollcall-Advice"))
	if first, _, _ := strings.Cut(h.Get("Rollcall-Explain"), ","); first != "" {
		_, text, _ := strings.Cut(first, "=")
		n, _ := strconv.Atoi(text)
		code = wire.Code(n)
	}
	if !slices.Contains([]wire.Code{wire.BadParameter, wire.ProfileTooLong, wire.ProfileSensitive, wire.Tombstoned, wire.QuotaExceeded}, code) {
		return -1
	}
	return code
}

// Forms of the advice for items.
var (
	oneItem   = regexp.MustCompile(`^\w+\[\d+\] failed with (\d+)[:.]`)
	manyItems = regexp.MustCompile(`^(\d+) items failed, the first of them is \w+\[\d+\] with (\d+)[:.]`)
)

// codeOf returns the code of the first item that an advice names.
func codeOf(advice string) wire.Code {
	for _, form := range []*regexp.Regexp{oneItem, manyItems} {
		if m := form.FindStringSubmatch(advice); m != nil {
			n, _ := strconv.Atoi(m[len(m)-1])
			return wire.Code(n)
		}
	}
	return -1
}

// countOf returns the number of items in an advice.
func countOf(advice string) int {
	if m := manyItems.FindStringSubmatch(advice); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	if oneItem.MatchString(advice) {
		return 1
	}
	return 0
}

// TestAdviceFault checks that adviceFault finds an advice for a wrong code, a wrong item or
// a wrong number of items, a missing advice, and one that must not exist.
func TestAdviceFault(t *testing.T) {
	remedy := func(c wire.Code) string { return " " + wire.Lookup(c).Advice }
	const (
		well   = `{"ErrorCode":0}`
		failed = `{"ErrorCode":0,"FailAccounts":["a","b"]}`
		mixed  = `{"ErrorCode":0,"ResultItem":[{"ResultCode":0},{"ResultCode":70107},{"ResultCode":70402}]}`
	)
	for _, test := range []struct {
		name, response, advice, explain string
		ok                              bool
	}{
		{"nothing failed", well, "", "", true},
		{"too many", well, "x." + remedy(60002), "", false},
		{"call", `{"ErrorCode":60002}`, "x." + remedy(60002), "", true},
		{"call, none", `{"ErrorCode":60002}`, "", "", false},
		{"call, other code", `{"ErrorCode":60002}`, "x." + remedy(60004), "", false},
		{"items", mixed, "2 items failed, the first of them is DeleteItem[1] with 70107." + nothingToDelete, "", true},
		{"items, advice to import what was to be deleted", mixed, "2 items failed, the first of them is DeleteItem[1] with 70107." + remedy(70107), "", false},
		{"status", `{"ErrorCode":0,"ErrorList":[{"ErrorCode":70107}]}`, "To_Account[0] failed with 70107: x." + remedy(70107), "", true},
		{"items, remedy of a later one", mixed, "2 items failed, the first of them is DeleteItem[1] with 70107." + remedy(70402), "", false},
		{"items, a later one", mixed, "2 items failed, the first of them is DeleteItem[2] with 70402." + remedy(70402), "", false},
		{"items, other number", mixed, "2 items failed, the first of them is DeleteItem[1] with 70402." + nothingToDelete, "", false},
		{"items, too few", mixed, "DeleteItem[1] failed with 70107." + nothingToDelete, "", false},
		{"import", failed, "2 items failed, the first of them is Accounts[0] with 70399: x." + remedy(70399), "", true},
		{"import, explained", failed, "2 items failed, the first of them is Accounts[0] with 70399: x." + remedy(70399), "0=70399,1=70402", true},
		{"import, explained otherwise", failed, "2 items failed, the first of them is Accounts[0] with 70399: x." + remedy(70399), "0=70402,1=70399", false},
		{"import, other remedy", failed, "2 items failed, the first of them is Accounts[0] with 70399: x." + remedy(70398), "", false},
		{"import, no reason of an import", failed, "2 items failed, the first of them is Accounts[0] with 70107: x." + remedy(70107), "", false},
		{"import, none", failed, "", "", false},
	} {
		h := http.Header{}
		h.Set("Rollcall-Advice", test.advice)
		h.Set("Rollcall-Explain", test.explain)
		if fault := adviceFault(t, test.response, h); (fault == "") != test.ok {
			t.Errorf("%s: %q", test.name, fault)
		}
	}
}
