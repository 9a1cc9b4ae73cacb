package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
	"rollcall/internal/wire"
)

func TestWireCodesAreTotal(t *testing.T) {
	for _, c := range account.Codes() {
		cells, ok := wireCodes[c]
		if c == account.OK {
			if ok {
				t.Error("OK is no fault and has no cells")
			}
			continue
		}
		for s, code := range cells {
			if !wire.Lookup(code).Sent {
				t.Errorf("%v in %s = %d, which is no code that is sent", c, serviceNames[s], code)
			}
		}
	}
	if got, want := len(wireCodes), len(account.Codes())-1; got != want {
		t.Errorf("%d rows for %d faults", got, want)
	}
}

func TestCausesStayInside(t *testing.T) {
	const secret = "dial tcp 10.0.0.1: refused"
	for _, err := range []error{
		errors.New(secret),
		&account.Error{Code: account.Unavailable, Err: errors.New(secret)},
		&wire.Error{Code: wire.SigMismatch, Err: errors.New(secret)},
	} {
		for s := range numServices {
			c := &call{endpoint: &endpoint{service: s}, event: httpx.EventFrom(t.Context())}
			h := http.Header{}
			body, encErr := wire.Encode(c.fail(h, err))
			if encErr != nil {
				t.Fatal(encErr)
			}
			if strings.Contains(string(body)+h.Get("Rollcall-Advice"), "10.0.0.1") {
				t.Errorf("%s shows the cause of %v: %s", serviceNames[s], err, body)
			}
		}
	}
}

func TestHeaderText(t *testing.T) {
	if got, want := headerText("a\r\nX: é"), "a??X: ?"; got != want {
		t.Errorf("headerText = %q, want %q", got, want)
	}
	if got := headerText(strings.Repeat("x", 1000)); len(got) != 300 {
		t.Errorf("headerText keeps %d bytes, want 300", len(got))
	}
}
