package guard

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestPacer checks that compactions pause while commits are made, and not otherwise.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(Pacer)
		mem := vfs.NewMem()
		write := func(c vfs.DiskWriteCategory, bytes int) time.Duration {
			f, err := pacedFS{mem, p}.Create("table", c)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			for ; bytes > 0; bytes -= 4096 {
				if _, err := f.Write(make([]byte, 4096)); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			return time.Since(start)
		}
		for _, tt := range []struct {
			what      string
			category  vfs.DiskWriteCategory
			committed bool
			bytes     int
			want      time.Duration
		}{
			{"nobody commits", compactions, false, 10 * paceStep, 0},
			{"less than a step", compactions, true, paceStep - 4096, 0},
			{"three steps", compactions, true, 3 * paceStep, 3 * paceRest},
			{"the commit was a while ago", compactions, true, 100 * paceStep, 5 * paceRest},
			{"no compaction", "pebble-wal", true, 10 * paceStep, 0},
		} {
			time.Sleep(time.Hour)
			if tt.committed {
				p.Committed()
			}
			if got := write(tt.category, tt.bytes); got != tt.want {
				t.Errorf("%s: paused for %v, want %v", tt.what, got, tt.want)
			}
		}
	})
}

// TestPacerClockSetBack checks that compactions do not pause after the clock was set back.
func TestPacerClockSetBack(t *testing.T) {
	p := new(Pacer)
	p.Committed()
	if d := p.rest(time.Now().Add(-time.Hour)); d != 0 {
		t.Errorf("an hour before the last commit, a compaction pauses for %v", d)
	}
}

// TestPacedFiles checks that Pebble creates the files of compactions in the category
// compactions.
func TestPacedFiles(t *testing.T) {
	compacted := false
	db, err := pebble.Open("data", &pebble.Options{FS: categories{vfs.NewMem(), &compacted}})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"a", "b"} { // the same keys twice, for a compaction to merge
		for _, key := range []string{"k", "l"} {
			err = errors.Join(err, db.Set([]byte(key), []byte(value), nil))
		}
		err = errors.Join(err, db.Flush())
	}
	err = errors.Join(err, db.Compact(t.Context(), []byte("a"), []byte("z"), false), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	if !compacted {
		t.Error("no file was created for a compaction")
	}
}

// A categories records whether a file was created for a compaction.
type categories struct {
	vfs.FS
	compacted *bool
}

func (fs categories) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	*fs.compacted = *fs.compacted || c == compactions
	return fs.FS.Create(name, c)
}
