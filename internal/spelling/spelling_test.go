package spelling_test

import (
	"testing"

	"rollcall/internal/spelling"
)

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"listen", "listen", 0},
		{"lisen", "listen", 1},   // inserted
		{"listten", "listen", 1}, // removed
		{"lixten", "listen", 1},  // replaced
		{"lsiten", "listen", 2},  // exchanged
		{"kitten", "sitting", 3},
		{"ab", "ba", 2},
		{"abcdef", "uvwxyz", 6},
	} {
		for _, got := range []int{spelling.Distance(tt.a, tt.b), spelling.Distance(tt.b, tt.a)} {
			if got != tt.want {
				t.Errorf("Distance of %q and %q = %d, want %d", tt.a, tt.b, got, tt.want)
			}
		}
	}
}
