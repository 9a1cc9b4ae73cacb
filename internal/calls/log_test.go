package calls

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

const app = 1400000001

// add adds n calls of app to l, with the ids PREFIX0, PREFIX1, …
func add(l *Log, app uint32, prefix string, n int, change func(*Call)) {
	for i := range n {
		c := &Call{RequestID: fmt.Sprint(prefix, i), SDKAppID: app, Command: "kick"}
		if change != nil {
			change(c)
		}
		l.Add(c)
	}
}

// ids returns the request ids of calls.
func ids(calls []*Call) string {
	var all []string
	for _, c := range calls {
		all = append(all, c.RequestID)
	}
	return strings.Join(all, " ")
}

func TestOrder(t *testing.T) {
	l := NewLog()
	add(l, app, "a", 3, nil)
	add(l, app+1, "other", 2, nil)
	got, last := l.Newest(Filter{App: app}, 2)
	if ids(got) != "a2 a1" {
		t.Errorf("newest = %s", ids(got))
	}
	if got, again := l.After(Filter{App: app}, last, 10); len(got) != 0 || again != last {
		t.Errorf("after the last: %s, %d; want none, %d", ids(got), again, last)
	}
	got, last = l.After(Filter{App: app}, 0, 2)
	if ids(got) != "a0 a1" {
		t.Errorf("the first = %s", ids(got))
	}
	if got, _ = l.After(Filter{App: app}, last, 2); ids(got) != "a2" {
		t.Errorf("the rest = %s", ids(got))
	}
	if got, _ = l.After(Filter{}, 0, 9); ids(got) != "a0 a1 a2 other0 other1" {
		t.Errorf("of all apps: %s", ids(got))
	}
	if got, last = l.After(Filter{App: 7}, 0, 2); len(got) != 0 || last == 0 {
		t.Errorf("of an unknown app: %s, %d", ids(got), last)
	}
}

func TestFilter(t *testing.T) {
	l := NewLog()
	l.Add(&Call{RequestID: "ok", SDKAppID: app, Command: "kick"})
	l.Add(&Call{RequestID: "refused", SDKAppID: app, Command: "kick", Code: 70402})
	l.Add(&Call{RequestID: "partly", SDKAppID: app, Command: "account_check", Failures: []Failure{{Code: 70402, UserID: "bob"}}})
	l.Add(&Call{RequestID: "by", SDKAppID: app, Command: "querystate", Code: 1, Identifier: "alice"})
	l.Add(&Call{RequestID: "about", SDKAppID: app, Command: "querystate", Code: 1, Request: NewBody([]byte(`{"To_Account": ["a", "alice"]}`))})
	l.Add(&Call{RequestID: "malice", SDKAppID: app, Command: "querystate", Code: 1, Request: NewBody([]byte(`["malice","alice2"]`))})
	l.Add(&Call{RequestID: "escaped", SDKAppID: app, Command: "querystate", Code: 1, Request: NewBody([]byte(`["a\"b"]`))})
	zero, bad := 0, 70402
	for _, test := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "ok refused partly by about malice escaped"},
		{Filter{Command: "kick"}, "ok refused"},
		{Filter{Code: &bad}, "refused partly"},
		{Filter{Code: &zero}, "ok partly"},
		{Filter{Command: "kick", Code: &bad}, "refused"},
		{Filter{UserID: "alice"}, "by about"},
		{Filter{UserID: "bob"}, "partly"},
		{Filter{UserID: "bob", Code: &zero}, "partly"},
		{Filter{UserID: "bob", Command: "kick"}, ""},
		{Filter{UserID: `a"b`}, "escaped"},
	} {
		if got, _ := l.After(test.filter, 0, 10); ids(got) != test.want {
			t.Errorf("%+v: %s, want %s", test.filter, ids(got), test.want)
		}
	}
}

// TestLimits fills a log beyond each of its limits. What is left must be the newest
// calls, and the bookkeeping must agree with them.
func TestLimits(t *testing.T) {
	text := strings.Repeat("x", MaxBody)
	large := func(c *Call) { c.Request = &Body{Text: text} }
	for name, test := range map[string]struct {
		fill func(*Log)
		want int
	}{
		"calls of an app": {func(l *Log) { add(l, app, "a", MaxCalls+7, nil) }, MaxCalls},
		"bytes of an app": {func(l *Log) { add(l, app, "a", 200, large) }, maxAppBytes / (&Call{Request: &Body{Text: text}}).size()},
		"bytes of all": {func(l *Log) {
			for i := range uint32(12) {
				add(l, app+i, fmt.Sprint("app", i, "-"), 120, large)
			}
		}, maxBytes / (&Call{Request: &Body{Text: text}}).size()},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLog()
			test.fill(l)
			if n := l.all.Len(); n < test.want-5 || n > test.want {
				t.Errorf("%d calls are left, want about %d", n, test.want)
			}
			bytes, inApps := 0, 0
			for e := l.all.Front(); e != nil; e = e.Next() {
				bytes += e.Value.(*entry).size
				if c := e.Value.(*entry).call; l.Find(c.RequestID) != c {
					t.Errorf("%s is not found", c.RequestID)
				}
			}
			for _, a := range l.apps {
				inApps += a.calls.Len()
			}
			if bytes != l.bytes || bytes > maxBytes || len(l.byID) != l.all.Len() || inApps != l.all.Len() {
				t.Errorf("%d bytes (counted %d), %d ids and %d calls of apps for %d calls", l.bytes, bytes, len(l.byID), inApps, l.all.Len())
			}
			if c := l.all.Back().Value.(*entry).call; c.Seq != l.seq {
				t.Errorf("the newest call is gone")
			}
		})
	}
}

func TestClear(t *testing.T) {
	l := NewLog()
	add(l, app, "a", 3, nil)
	add(l, app+1, "other", 2, nil)
	if n := l.Clear(app); n != 3 {
		t.Errorf("cleared %d, want 3", n)
	}
	if n := l.Clear(app); n != 0 {
		t.Errorf("cleared %d again", n)
	}
	if l.Find("a0") != nil || l.Find("other0") == nil || len(l.apps) != 1 {
		t.Errorf("left: %v", l.byID)
	}
	_, last := l.Newest(Filter{App: app}, 1)
	add(l, app, "new", 1, nil)
	if got, _ := l.After(Filter{App: app}, last, 9); ids(got) != "new0" {
		t.Errorf("after the clearing: %s", ids(got))
	}
}

// TestAdded waits for calls while others add them. Every call must be seen once.
func TestAdded(t *testing.T) {
	l := NewLog()
	_, after := l.Newest(Filter{App: app}, 1)
	const workers, each = 4, 50
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { add(l, app, fmt.Sprint("w", w, "-"), each, nil) })
	}
	seen := map[string]bool{}
	for len(seen) < workers*each {
		added := l.Added()
		var found []*Call
		found, after = l.After(Filter{App: app}, after, 7)
		for _, c := range found {
			if seen[c.RequestID] {
				t.Fatalf("%s came twice", c.RequestID)
			}
			seen[c.RequestID] = true
		}
		if len(found) == 0 {
			<-added
		}
	}
	wg.Wait()
}

func TestNewBody(t *testing.T) {
	if b := NewBody([]byte("{}")); *b != (Body{Text: "{}", Bytes: 2}) {
		t.Errorf("%+v", b)
	}
	long := strings.Repeat("x", MaxBody-1) + "中"
	if b := NewBody([]byte(long)); b.Text != long[:MaxBody-1] || b.Bytes != len(long) || !b.Cut {
		t.Errorf("%d bytes of %d, cut %v", len(b.Text), b.Bytes, b.Cut)
	}
}
