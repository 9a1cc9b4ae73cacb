package importer

import "testing"

// TestDone counts the bytes of rows that are read ahead only when they have a verdict.
func TestDone(t *testing.T) {
	for _, tt := range []struct{ row, at, last, want int64 }{
		{0, 0, 0, 0}, {0, 1000, 10, 0}, {5, 1000, 10, 500}, {10, 1000, 10, 1000}, {20, 1000, 10, 1000},
	} {
		l := &ledger{doc: &document{Row: tt.row}}
		if got := l.done(tt.at, tt.last); got != tt.want {
			t.Errorf("row %d of %d that are read, %d bytes: %d, want %d", tt.row, tt.last, tt.at, got, tt.want)
		}
	}
}
