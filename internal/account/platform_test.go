package account

import "testing"

// TestPlatforms compares the spellings with the table of protocol-sessions.md §2.1.
func TestPlatforms(t *testing.T) {
	want := map[Platform][3]string{
		IPhone:      {"iPhone", "iOS", "iOS"},
		IPad:        {"iPad", "iPad", "iPad"},
		Android:     {"Android", "Android", "Android"},
		Web:         {"Web", "Web", "Web"},
		MiniProgram: {"Web", "Web", "Web"},
		Windows:     {"PC", "Windows", "Windows"},
		Mac:         {"Mac", "Mac", "Mac"},
		Linux:       {"PC", "Linux", "Unknown"},
	}
	for _, p := range Platforms() {
		if got := [3]string{p.InDetail(), p.InKicked(), p.InQuery()}; got != want[p] {
			t.Errorf("%s is spelt %q, want %q", p, got, want[p])
		}
		if !p.Valid() {
			t.Errorf("%s is not valid", p)
		}
	}
	if len(want) != len(Platforms()) {
		t.Errorf("there are %d platforms, want %d", len(Platforms()), len(want))
	}
	if Platform("iphone").Valid() || Platform("").Valid() {
		t.Error("another text is valid")
	}
}
