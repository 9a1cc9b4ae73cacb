package figures_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/figures"
	"rollcall/internal/records"
	"rollcall/internal/store/pebble"
	"rollcall/internal/testutil"
)

// TestPowerLoss checks that a loss of power keeps what was flushed.
func TestPowerLoss(t *testing.T) {
	disk := vfs.NewCrashableMem()
	open := func(disk vfs.FS) (*bench, *figures.Figures) {
		engine, err := pebble.Open(t.Context(), pebble.Options{Dir: "/store", FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = engine.Close() })
		r := records.New(engine, nil)
		b := &bench{T: t, e: engine, dir: directory.New(directory.Options{Engine: engine, Records: r})}
		return b, figures.New(figures.Options{Records: r, Apps: b.dir, Node: "a", Logger: testutil.Logger(t)})
	}
	b, f := open(disk)
	if _, err := b.dir.CreateApp(t.Context(), "test", account.App{ID: app, Edition: account.Development}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		call(f, app, 0)
	}
	b.flush(f)
	call(f, app, 0)
	after, again := open(disk.CrashClone(vfs.CrashCloneCfg{}))
	after.total(again, app, 3)
	call(again, app, 0)
	after.flush(again)
	after.total(again, app, 4)
}
