package conformance

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/wire"
)

// checkAdvice checks that an answer that fails, as a whole or in an item, has a
// Rollcall-Advice that ends with the remedy of its code, and that no other
// answer has one. Every step of every transcript comes by here.
func checkAdvice(t *testing.T, name, answer string, h http.Header) {
	t.Helper()
	codes := failures(t, answer)
	advice := h.Get("Rollcall-Advice")
	if len(codes) == 0 && advice == "" {
		return
	}
	const nothingToDelete = "there is nothing to delete." // of account_delete, in place of the advice to import
	if slices.Contains(codes, wire.NoAccount) && strings.HasSuffix(advice, nothingToDelete) {
		return
	}
	for _, code := range codes {
		if remedy := wire.Lookup(code).Advice; remedy != "" && strings.HasSuffix(advice, remedy) {
			return
		}
	}
	t.Errorf("%s: Rollcall-Advice = %q, want the remedy of one of %v: %s", name, advice, codes, answer)
}

// failures returns the codes that an answer fails with: that of the call, else
// those of its items. An item of FailAccounts has none of its own, and any code
// of an import may be its reason.
func failures(t *testing.T, answer string) (codes []wire.Code) {
	t.Helper()
	var a struct {
		ErrorCode       wire.Code
		FailAccounts    []string
		ResultItem      []struct{ ResultCode wire.Code }
		ErrorList       []struct{ ErrorCode wire.Code }
		UserProfileItem []struct{ ResultCode wire.Code }
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		t.Fatal(err)
	}
	if a.ErrorCode != wire.OK {
		return []wire.Code{a.ErrorCode}
	}
	if len(a.FailAccounts) > 0 {
		return []wire.Code{wire.BadParameter, wire.ProfileTooLong, wire.ProfileSensitive, wire.Tombstoned, wire.QuotaExceeded}
	}
	for _, item := range append(a.ResultItem, a.UserProfileItem...) {
		codes = append(codes, item.ResultCode)
	}
	for _, item := range a.ErrorList {
		codes = append(codes, item.ErrorCode)
	}
	for i := len(codes) - 1; i >= 0; i-- {
		if codes[i] == wire.OK {
			codes = append(codes[:i], codes[i+1:]...)
		}
	}
	return codes
}
