package pebble

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

func TestPacer(t *testing.T) {
	p := newPacer()
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
	p.folded(3 * l0Folds)
	if d := p.pause(3*paceBytes, now.Add(time.Hour)); d != 0 {
		t.Errorf("an hour later, without commits, one rests for %v", d)
	}
	p.last.Store(int64(time.Minute + time.Hour))
	if d := p.pause(3*paceBytes, now.Add(time.Hour)); d != time.Second {
		t.Errorf("with three times the folds, one rests for %v", d)
	}
}

// TestPacedFiles checks that Pebble still names compactions as pace.go says.
func TestPacedFiles(t *testing.T) {
	compacted := false
	s := open(t, Options{FS: categories{vfs.NewMem(), &compacted}})
	defer func() { must(t, s.Close()) }()
	for _, nick := range []string{"a", "b"} {
		_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "a", Nick: nick}, {ID: "b", Nick: nick}}, free)
		must(t, err)
		fold(t, s)
	}
	lower, upper := spaceBounds(accountSpace)
	must(t, s.db.Compact(t.Context(), lower, upper, false))
	if !compacted {
		t.Error("no file was created for a compaction")
	}
}

type categories struct {
	vfs.FS
	compacted *bool
}

func (fs categories) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	*fs.compacted = *fs.compacted || c == compactions
	return fs.FS.Create(name, c)
}
