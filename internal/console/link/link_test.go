package link_test

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"rollcall/internal/console/link"
)

const token = "rct_text"

func redeem(t *testing.T, what string, l *link.Links, code string, want bool) {
	t.Helper()
	text, ok := l.Redeem(code)
	if ok != want || (text == token) != want || !want && text != "" {
		t.Errorf("%s: %q, %v", what, text, ok)
	}
}

func TestOnce(t *testing.T) {
	l := link.New(token)
	redeem(t, "a code of no links", l, "", false)
	first, second := l.Code(), l.Code()
	if first == second || len(first) < 20 || url.QueryEscape(first) != first {
		t.Errorf("the codes %q and %q", first, second)
	}
	for _, wrong := range []string{"", first[1:], first + "x", strings.ToLower(first), token, strings.Repeat("x", 1<<20)} {
		redeem(t, "a wrong code", l, wrong, false)
	}
	redeem(t, "a code of other links", link.New(token), first, false)
	redeem(t, "the first code", l, first, true)
	redeem(t, "the first code again", l, first, false)
	redeem(t, "the second code", l, second, true)
	redeem(t, "the second code again", l, second, false)
}

func TestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := link.New(token)
		early, late := l.Code(), l.Code()
		time.Sleep(24*time.Hour - time.Nanosecond)
		redeem(t, "a nanosecond before its end", l, early, true)
		time.Sleep(time.Nanosecond)
		redeem(t, "at its end", l, late, false)
		redeem(t, "a new code", l, l.Code(), true)
	})
}

// TestMany creates more codes than may be valid. The oldest ones become invalid.
func TestMany(t *testing.T) {
	l := link.New(token)
	var codes []string
	for range link.MaxCodes + 3 {
		codes = append(codes, l.Code())
	}
	for i, code := range codes {
		redeem(t, "one of many codes", l, code, i >= 3)
	}
}

// TestConcurrent redeems each code in concurrent calls, while others are created. Each is
// valid once.
func TestConcurrent(t *testing.T) {
	l := link.New(token)
	var redeemed atomic.Int32
	var wg sync.WaitGroup
	for range link.MaxCodes {
		code := l.Code()
		for range 4 {
			wg.Go(func() {
				if text, ok := l.Redeem(code); ok && text == token {
					redeemed.Add(1)
				}
			})
		}
	}
	wg.Wait()
	if n := redeemed.Load(); n != link.MaxCodes {
		t.Errorf("%d of %d codes were redeemed", n, link.MaxCodes)
	}
}

// TestModel compares random calls with a list of valid codes.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := link.New(token)
		var valid, known []string
		t.Repeat(map[string]func(*rapid.T){
			"create": func(*rapid.T) {
				code := l.Code()
				valid, known = append(valid, code), append(known, code)
				valid = valid[max(0, len(valid)-link.MaxCodes):]
			},
			"redeem": func(t *rapid.T) {
				code := rapid.SampledFrom(append(known, "unknown")).Draw(t, "code")
				_, ok := l.Redeem(code)
				i := slices.Index(valid, code)
				if ok != (i >= 0) {
					t.Errorf("Redeem = %v", ok)
				}
				if i >= 0 {
					valid = slices.Delete(valid, i, i+1)
				}
			},
		})
	})
}
