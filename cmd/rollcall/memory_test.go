package main

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// TestLimitMemory checks the limit of Go under limits of the control group, and that
// GOMEMLIMIT wins.
func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for name, tt := range map[string]struct {
		group    memlimit.Provider
		variable string // GOMEMLIMIT; the runtime has read it, so only its presence counts
		want     int64
		log      string
	}{
		"a limit":       {memlimit.Limit(1000 << 20), "", 900 << 20, "limit_mib=900"},
		"no limit":      {func() (uint64, error) { return 0, memlimit.ErrNoLimit }, "", math.MaxInt64, ""},
		"unknown":       {func() (uint64, error) { return 0, errors.New("no such file") }, "", 77 << 20, "set GOMEMLIMIT"},
		"no group":      {func() (uint64, error) { return 0, memlimit.ErrNoCgroup }, "", 77 << 20, ""},
		"of the caller": {memlimit.Limit(1000 << 20), "77MiB", 77 << 20, "limit_mib=77"},
	} {
		t.Run(name, func(t *testing.T) {
			debug.SetMemoryLimit(77 << 20)
			t.Setenv("GOMEMLIMIT", tt.variable)
			if tt.variable == "" {
				if err := os.Unsetenv("GOMEMLIMIT"); err != nil { // t.Setenv restores it
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			limitMemory(slog.New(slog.NewTextHandler(&log, nil)), tt.group)
			if got := debug.SetMemoryLimit(-1); got != tt.want {
				t.Errorf("limit %d, want %d", got, tt.want)
			}
			if (log.Len() > 0) != (tt.log != "") || !strings.Contains(log.String(), tt.log) {
				t.Errorf("log %q, want %q", log.String(), tt.log)
			}
		})
	}
}
