package postgres

import (
	"os"
	"strings"
	"testing"
)

// TestDocumented checks that docs/scaling.md says what to do about every fault.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	details := map[string]bool{outOfTime: true, noConnection: true, refused: true, lost: true, failed: true}
	for _, faults := range []map[string]fault{byState, poolerFaults} {
		for _, f := range faults {
			details[f.detail] = true
		}
	}
	for detail := range details {
		if !strings.Contains(string(text), "| `"+detail+"` |") {
			t.Errorf("docs/scaling.md has no row for %q", detail)
		}
	}
}
