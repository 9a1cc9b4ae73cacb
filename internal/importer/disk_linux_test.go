package importer

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/internal/testutil/faultfs"
	"rollcall/rollcalltest"
)

// TestBadDisk runs jobs whose files are on a disk that fails. A run says so and ends; when the
// disk is well again, the same job goes on, and no row is lost or counted twice.
func TestBadDisk(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	disk := faultfs.New(t)
	for name, tt := range map[string]struct {
		fault faultfs.Fault
		want  string
	}{
		"rejects file full":       {faultfs.Fault{Ops: []faultfs.Op{faultfs.Write}, Path: "*.rejects.csv", Err: syscall.ENOSPC}, "no space left on device: free some space, and repeat the command"},
		"rejects file not synced": {faultfs.Fault{Ops: []faultfs.Op{faultfs.Sync}, Path: "*.rejects.csv", Err: syscall.EIO}, "input/output error"},
		"list full":               {faultfs.Fault{Ops: []faultfs.Op{faultfs.Write}, Path: "*.rejected", Err: syscall.ENOSPC}, "no space left on device"},
		"journal full":            {faultfs.Fault{Ops: []faultfs.Op{faultfs.Write}, Path: "*.rollcall-journal.*", Err: syscall.ENOSPC}, "no space left on device"},
		"journal not renamed":     {faultfs.Fault{Ops: []faultfs.Op{faultfs.Rename}, Path: "*.rollcall-journal*", Err: syscall.EIO}, "the journal cannot be written: "},
	} {
		t.Run(name, func(t *testing.T) {
			app := srv.NewApp(t)
			all := lines(rand.New(rand.NewPCG(1, 1)), 12_000, 10_000)
			dir, err := os.MkdirTemp(disk.Dir, "run")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "users.csv")
			if err := os.WriteFile(file, table(all), 0o600); err != nil {
				t.Fatal(err)
			}
			j := newJob(t, app, newFront(t, app, false), ByWire, file)
			var broken *faultfs.Active
			j.Rejected = func(Rejection) { // the journal and its lock are there
				if broken == nil {
					broken = disk.Break(tt.fault)
				}
			}
			_, err = j.Run(t.Context())
			disk.Heal()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			j.Rejected = nil
			s, err := j.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			checkRun(t, app, j, s, all, -1)
		})
	}
}
