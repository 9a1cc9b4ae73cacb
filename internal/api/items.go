package api

import (
	"cmp"
	"fmt"
	"net/http"

	"rollcall/internal/account"
)

// failedItems sums up the items of a batch that failed, for Rollcall-Advice:
// the answer as a whole may well be OK, and names the items without a remedy.
type failedItems struct {
	list   string // the array that they are in
	first  reason
	detail string // of the first, may be empty
	count  int
	remedy string // what to do about the first in place of what its code says; may be empty
}

// failItem notes that an item of a list failed.
func (c *call) failItem(list string, r reason, detail string) {
	if c.failed.count == 0 {
		c.failed = failedItems{list: list, first: r, detail: detail}
	}
	c.failed.count++
}

// whyUnknown says why there is no account of an id.
func (c *call) whyUnknown(id account.UserID) string {
	return cmp.Or(c.app.WhyUnknown(id), "the app has no account of that UserID")
}

// adviseItems says what to do about the first item that failed, if one did.
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
