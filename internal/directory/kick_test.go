package directory_test

import (
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
)

// TestKickAtFirst kicks at the earliest time that a clock can show. The kick is one, although
// the Unix time 0 stands for none.
func TestKickAtFirst(t *testing.T) {
	b := newTestBench(t, new(mem.Store))
	b.changeClock(directory.ClockChange{Set: account.MinAppTime, Frozen: new(true)})
	if err := b.dir.Kick(t.Context(), b.app, account.Administrator); err != nil {
		t.Fatal(err)
	}
	if kicked, err := b.dir.Watermark(t.Context(), b.app, account.Administrator); err != nil || kicked <= 0 {
		t.Errorf("Watermark = %d, %v; want a kick", kicked, err)
	}
}
