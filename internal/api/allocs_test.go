package api

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"rollcall/internal/testutil"
)

// TestAllocs bounds how often a call of the hot paths asks for memory, over an
// engine that never does. It guards the speed without a clock: one more object
// for each account would make these numbers a hundred larger.
//
// Bare is the handler alone; logged is what package httpx adds to it.
func TestAllocs(t *testing.T) {
	if testutil.Race {
		t.Skip("pools forget under the race detector")
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
	} {
		t.Run(test.name, func(t *testing.T) {
			bare := newRepeater(t, test.command, test.body)
			if got := testing.AllocsPerRun(200, bare.serve); got > test.bare {
				t.Errorf("%v allocations, want at most %v", got, test.bare)
			}
			for h, more := range map[slog.Handler]float64{
				slog.NewTextHandler(io.Discard, nil): 0,
				slog.NewJSONHandler(io.Discard, nil): 1, // for took_ms, which is a fraction
			} {
				logged := newRepeater(t, test.command, test.body).logged(h)
				if got := testing.AllocsPerRun(200, logged.serve); got > test.logged+more {
					t.Errorf("with %T: %v allocations, want at most %v", h, got, test.logged+more)
				}
			}
		})
	}
}
