package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/wire"
)

// CallList is what the list of calls shows.
type CallList struct {
	Command, Code, UserID string
	Commands              []string
	Page                  adminapi.CallList
	All                   bool // as many as are kept
	Read                  admin.Request
}

// CallDetails is what the page of a call shows.
type CallDetails struct {
	Call           *adminapi.Call
	Read           admin.Request
	Curl, Go, Node string           // programs that make the call; "" if its body is not known
	Again          *Form            // nil without them
	Made           func() *MadeCall // the call that Again has made; nil without one
}

// A MadeCall is a call that a form has made.
type MadeCall struct {
	adminapi.MadeCall
	Call *adminapi.Call
}

// rows returns the address of the rows of the next calls, to which a script adds a seq.
func (l *CallList) rows(p *Page) string {
	return p.In("calls/rows", "command", l.Command, "code", l.Code, "userid", l.UserID)
}

// took returns a duration in microseconds for people.
func took(us int64) string {
	d := time.Duration(us) * time.Microsecond
	if d < time.Second {
		return strconv.FormatFloat(float64(us)/1000, 'f', 2, 64) + " ms"
	}
	return d.Round(time.Millisecond).String()
}

// items returns the number of items of a call that succeeded, and of all.
func items(c *adminapi.Call) string {
	if c.Items == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", c.Items-c.Failed, c.Items)
}

// errorPage returns the address of the explanation of a code.
func errorPage(code int) string { return fmt.Sprintf("/docs/errors#%d", code) }

// retry returns the key of a text that says whether repeating a call with a code helps.
func retry(code int) string {
	row := wire.Lookup(wire.Code(code))
	switch {
	case row.Text == "":
		return ""
	case row.Retry == wire.RetryNo:
		return "call.retry.no"
	}
	return "call.retry." + string(row.Retry)
}

// pretty returns a body with its JSON indented, as far as it is JSON. What cannot be seen
// is made visible.
func pretty(text string) string {
	lines := strings.Split(Indent(text), "\n")
	for i, line := range lines {
		lines[i] = visible(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

// Indent returns a text with its JSON indented. A text that is no JSON stays as it is.
func Indent(text string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// callHeads returns the keys of the heads of the list of calls.
func callHeads(p *Page) []string {
	heads := []string{"calls.time", "calls.command", "calls.code", Right + "calls.items", Right + "calls.took"}
	if p.App.Test {
		heads = append(heads, "calls.identifier")
	}
	return heads
}

// ofSignature reports whether a code says that a UserSig is wrong.
func ofSignature(code int) bool {
	switch wire.Code(code) {
	case wire.SigExpired, wire.SigEmpty, wire.SigMalformed, wire.SigIllegal, wire.SigMismatch, wire.SigOtherUser, wire.SigOtherApp, wire.NoPublicKey, wire.SigKicked:
		return true
	}
	return false
}
