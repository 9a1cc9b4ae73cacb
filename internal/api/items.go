package api

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/calls"
	"rollcall/internal/wire"
)

// failedItems summarizes the failed items of a batch for Rollcall-Advice. The
// response as a whole may be OK, and its items have codes but no remedies.
type failedItems struct {
	list   string // name of the array that contains the items
	first  reason
	detail string // detail of the first; may be empty
	count  int
	remedy string // replaces the remedy of the first item's code; may be empty
}

// failItem records that the item of an id in a list failed.
func (c *call) failItem(list string, r reason, userID account.UserID, detail string) {
	if c.failed.count == 0 {
		c.failed = failedItems{list: list, first: r, detail: detail}
	}
	c.failed.count++
	if c.kept {
		c.failures = append(c.failures, calls.Failure{
			Item: r.item, UserID: strings.Clone(string(userID)), Code: int(r.code),
			Info: strings.Clone(wire.Info(r.code, detail)), Advice: wire.Advice(r.code, detail),
		})
	}
}

// whyUnknown says why an id has no account.
func (c *call) whyUnknown(id account.UserID) string {
	return cmp.Or(c.app.WhyUnknown(id), "the app has no account of that UserID")
}

// adviseItems sets the advice about the first failed item, if there is one.
func (c *call) adviseItems(h http.Header) {
	f := &c.failed
	if f.count == 0 {
		return
	}
	text := fmt.Sprintf("%s[%d] failed with %d", f.list, f.first.item, f.first.code)
	if f.count > 1 {
		text = fmt.Sprintf("%d items failed, the first of them is %s[%d] with %d", f.count, f.list, f.first.item, f.first.code)
	}
	if f.detail != "" {
		text += ": " + f.detail
	}
	if f.remedy != "" {
		h.Set("Rollcall-Advice", headerText(text)+". "+f.remedy)
		return
	}
	advise(h, f.first.code, text)
}
