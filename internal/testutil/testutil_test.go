package testutil

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// A recordingTB records the output and the failure of a test.
type recordingTB struct {
	testing.TB
	out    bytes.Buffer
	failed bool
}

func (tb *recordingTB) Output() io.Writer { return &tb.out }

func TestLogger(t *testing.T) {
	tb := &recordingTB{TB: t}
	Logger(tb).Debug("opened", "files", 3)
	if got, want := tb.out.String(), "level=DEBUG msg=opened files=3\n"; !strings.HasSuffix(got, want) {
		t.Errorf("output = %q, want it to end in %q", got, want)
	}
}

// Errorf and Fatal record a failure without failing the test itself.
func (tb *recordingTB) Errorf(string, ...any) { tb.failed = true }
func (tb *recordingTB) Fatal(...any)          { tb.failed = true }

func TestGolden(t *testing.T) {
	file := filepath.Join(t.TempDir(), "golden")
	for _, tt := range []struct {
		got    string
		update bool
		failed bool
	}{
		{"one", false, true}, // there is no file
		{"one", true, false},
		{"one", false, false},
		{"two", false, true},
		{"two", true, false},
	} {
		tb := &recordingTB{TB: t}
		Golden(tb, file, tt.got, tt.update)
		if tb.failed != tt.failed {
			t.Errorf("Golden(%q, %v): failed = %v, want %v", tt.got, tt.update, tb.failed, tt.failed)
		}
	}
}
