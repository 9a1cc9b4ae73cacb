package guard

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestPacer(t *testing.T) {
	p := NewPacer()
	now := p.start.Add(time.Minute)
	if d := p.pause(10*paceStep, now); d != 0 {
		t.Errorf("nobody commits, and a compaction rests for %v", d)
	}
	p.last.Store(int64(time.Minute))
	if d := p.pause(paceStep-1, now); d != 0 {
		t.Errorf("a compaction rests for %v after less than a step", d)
	}
	p.written = 0
	if d := p.pause(paceBytes, now); d != time.Second {
		t.Errorf("a compaction that wrote a second's bytes rests for %v", d)
	}
	if d := p.pause(paceBytes, now); d != 2*time.Second {
		t.Errorf("a second one rests for %v", d)
	}
	p.Hurry(3)
	if d := p.pause(3*paceBytes, now.Add(time.Hour)); d != 0 {
		t.Errorf("an hour later, without commits, one rests for %v", d)
	}
	p.last.Store(int64(time.Minute + time.Hour))
	if d := p.pause(3*paceBytes, now.Add(time.Hour)); d != time.Second {
		t.Errorf("with three times the leave, one rests for %v", d)
	}
}

// TestPacedFiles checks that Pebble still names compactions as pace.go says.
func TestPacedFiles(t *testing.T) {
	compacted := false
	db, err := pebble.Open("data", &pebble.Options{FS: categories{vfs.NewMem(), &compacted}})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"a", "b"} { // of the same keys, so that there is something to do
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

// A categories notes whether a file was created for a compaction.
type categories struct {
	vfs.FS
	compacted *bool
}

func (fs categories) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	*fs.compacted = *fs.compacted || c == compactions
	return fs.FS.Create(name, c)
}
