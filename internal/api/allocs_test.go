package api

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"rollcall/internal/testutil"
)

// TestAllocs limits the number of allocations of the busiest commands, over an
// engine that does not allocate. It protects the speed without measuring time.
// One more object for each account would add a hundred to these numbers.
//
// Bare is the handler alone. Logged includes the handler of package httpx.
func TestAllocs(t *testing.T) {
	if testutil.Race {
		t.Skip("pools drop objects under the race detector")
	}
	escaped := strings.ReplaceAll(importBody, "/", `\/`)
	for _, test := range []struct {
		name, command, body string
		bare, logged        float64
	}{
		{"import of 100", "multiaccount_import", importBody, 4, 6},
		{"import of 100, with escapes", "multiaccount_import", escaped, 4, 6},
		{"import of 100 ids", "multiaccount_import", accountsBody, 4, 6},
		{"check of 100", "account_check", checkBody, 6, 8},
		{"import of one", "account_import", oneBody, 4, 6},
		{"status of 500", "query_online_status", statusBody, 17, 19},
	} {
		t.Run(test.name, func(t *testing.T) {
			bare := newRepeater(t, test.command, test.body)
			if got := testing.AllocsPerRun(200, bare.serve); got > test.bare {
				t.Errorf("%v allocations, want at most %v", got, test.bare)
			}
			for h, more := range map[slog.Handler]float64{
				slog.NewTextHandler(io.Discard, nil): 0,
				slog.NewJSONHandler(io.Discard, nil): 1, // for took_ms, which is a floating-point number
			} {
				logged := newRepeater(t, test.command, test.body).logged(h)
				if got := testing.AllocsPerRun(200, logged.serve); got > test.logged+more {
					t.Errorf("with %T: %v allocations, want at most %v", h, got, test.logged+more)
				}
			}
		})
	}
}
