package wire

import (
	"strings"
	"testing"
)

// refusals returns explanations by name that anyone can request.
func refusals() map[string]func() {
	params := func(n int, name string) []string {
		return strings.Split(strings.Repeat(name+"&", n-1)+name, "&")
	}
	body := func(n int) []byte {
		return []byte(`{` + strings.Repeat(`"UserIDs":1,`, n) + `"Nicks":2}`)
	}
	many, thousands := params(64, "sdkxxpidxxx"), params(5000, "identxxxxr")
	few, hundred := body(1), body(100)
	return map[string]func(){
		"path/one":        func() { ExplainPath("/v4/x") },
		"path/service":    func() { ExplainPath("/v4/openim") },
		"path/two":        func() { ExplainPath("/v4/im_open_login_svc/xxxxxxxxxxxxxxx") },
		"path/vendor":     func() { ExplainPath("/v4/group_open_http_svc/create_group") },
		"path/typo":       func() { ExplainPath("/v4/im_open_login_svc/acount_imprt") },
		"path/three":      func() { ExplainPath("/v4/a/xxxxxxxxxxxxxxx/c") },
		"path/separators": func() { ExplainPath("/v4/a/" + strings.Repeat("_a", 18)) },
		"path/long":       func() { ExplainPath("/v4/a/" + strings.Repeat("_a", 120)) },
		"param/none":      func() { ExplainMissing(nil, "sdkappid", "add it") },
		"param/three":     func() { ExplainMissing([]string{"random", "usersig", "identifier"}, "sdkappid", "add it") },
		"param/many":      func() { ExplainMissing(many, "sdkappid", "add it") },
		"param/thousands": func() { ExplainMissing(thousands, "identifier", "add it") },
		"mismatch/few":    func() { Mismatch{At: "/UserID", Want: "a JSON string"}.Explain(few, ImportRequest{}) },
		"mismatch/many":   func() { Mismatch{At: "/UserID", Want: "a JSON string"}.Explain(hundred, ImportRequest{}) },
	}
}

// TestExplainAllocs checks that an explanation costs little compared with the
// request itself, because anyone can request any number of them. It counts
// allocations, which are the same on every machine.
func TestExplainAllocs(t *testing.T) {
	for name, explain := range refusals() {
		if n := testing.AllocsPerRun(10, explain); n > 50 {
			t.Errorf("%s: %v allocations, want at most 50", name, n)
		}
	}
}

func BenchmarkExplain(b *testing.B) {
	for name, explain := range refusals() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				explain()
			}
		})
	}
}
