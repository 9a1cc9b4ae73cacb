package ratelimit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	r := NewReport()
	at := func(second int64) time.Time { return time.Unix(second, 5) }
	kick, app := Key{App: 1, Command: "kick"}, Key{App: 1}
	r.Add(kick, 10, at(100))
	r.Add(app, 50, at(100))
	r.Add(kick, 10, at(101))
	r.Add(kick, 10, at(100)) // its clock was read before that of the call above
	r.Add(Key{App: 2, Command: "kick"}, 7, at(100))
	want := []Row{{"kick", 101, 10, 1}, {"", 100, 50, 1}, {"kick", 100, 10, 2}}
	if diff := cmp.Diff(want, r.Rows(1)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	r.Drop(1)
	if len(r.Rows(1)) != 0 || len(r.Rows(2)) != 1 {
		t.Errorf("after the drop: %v, %v", r.Rows(1), r.Rows(2))
	}
}

func TestReportIsBounded(t *testing.T) {
	r := NewReport()
	for second := range int64(maxRows + 5) {
		r.Add(Key{App: 1, Command: "kick"}, 1, time.Unix(second, 0))
	}
	if rows := r.Rows(1); len(rows) != maxRows || rows[0].Second != maxRows+4 || rows[maxRows-1].Second != 5 {
		t.Errorf("%d rows, from %+v to %+v", len(rows), rows[0], rows[len(rows)-1])
	}
	for app := range uint32(maxApps + 3) {
		r.Add(Key{App: 10 + app, Command: "kick"}, 1, time.Unix(10000+int64(app), 0))
	}
	if len(r.apps) != maxApps || r.Rows(1) != nil || r.Rows(10) != nil || r.Rows(10+maxApps+2) == nil {
		t.Errorf("%d apps are left", len(r.apps))
	}
}
