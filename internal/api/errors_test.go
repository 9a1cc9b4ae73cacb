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
				t.Error("OK is no error and has no cells")
			}
			continue
		}
		for s, code := range cells {
			if row := wire.Lookup(code); row.Code == wire.OK || row.VendorOnly {
				t.Errorf("%v in %s = %d, which is no code that is sent", c, serviceNames[s], code)
			}
		}
	}
	if got, want := len(wireCodes), len(account.Codes())-1; got != want {
		t.Errorf("%d rows for %d errors", got, want)
	}
}

func TestCausesStayInside(t *testing.T) {
	const secret = "dial tcp 10.0.0.1: refused"
	for _, err := range []error{
		errors.New(secret),
		&account.Error{Code: account.Unavailable, Err: errors.New(secret)},
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

// TestAdviceWithEveryCode checks every code in every service, with and without
// a detail. The advice must contain the complete remedy and be fit for a
// header.
func TestAdviceWithEveryCode(t *testing.T) {
	check := func(h http.Header, code wire.Code, detail string) {
		t.Helper()
		got, remedy := h.Get("Rollcall-Advice"), wire.Lookup(code).Advice
		if remedy == "" || !strings.HasSuffix(got, remedy) {
			t.Errorf("%d: Rollcall-Advice = %q, want the remedy %q at its end", code, got, remedy)
		}
		if detail != "" && !strings.HasPrefix(strings.ToLower(got), detail[:20]) {
			t.Errorf("%d: Rollcall-Advice = %q, want the detail %q first", code, got, detail)
		}
		if got != headerText(got) && len(got) <= 300 {
			t.Errorf("%d: %q is no header value", code, got)
		}
	}
	for _, detail := range []string{"", "what is wrong in detail", "what is wrong, at length: " + strings.Repeat("é\n", 10000)} {
		for s := range numServices {
			for _, c := range account.Codes() {
				if c == account.OK {
					continue
				}
				h, cl := http.Header{}, &call{endpoint: &endpoint{service: s}, event: httpx.EventFrom(t.Context())}
				cl.fail(h, &account.Error{Code: c, Detail: detail})
				check(h, s.code(c), detail)
			}
		}
		for _, row := range wire.Table {
			h, cl := http.Header{}, &call{event: httpx.EventFrom(t.Context())}
			cl.fail(h, &wire.Error{Code: row.Code, Detail: detail})
			check(h, row.Code, detail)
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
