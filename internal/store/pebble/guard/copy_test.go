package guard

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

// TestCopyStalls checks that Wait returns an error after the target has accepted no data
// for a minute. The time before Tree begins does not count.
func TestCopyStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCopier(t.Context(), vfs.NewMem())
		time.AfterFunc(10*time.Minute, func() { c.written.Add(1) })
		start := time.Now()
		err := c.Wait(make(chan error), time.Minute)
		if account.CodeOf(err) != account.Unavailable || !strings.Contains(err.Error(), "has accepted no data") {
			t.Errorf("%v, want an error that names the target", err)
		}
		if took := time.Since(start) - 10*time.Minute; took < time.Minute || took > time.Minute*5/4 {
			t.Errorf("Wait returned after %v, want %v", took, time.Minute)
		}
	})
}
