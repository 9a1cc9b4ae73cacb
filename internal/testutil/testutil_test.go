package testutil

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// A recordingTB keeps the output of a test.
type recordingTB struct {
	testing.TB
	out bytes.Buffer
}

func (tb *recordingTB) Output() io.Writer { return &tb.out }

func TestLogger(t *testing.T) {
	tb := &recordingTB{TB: t}
	Logger(tb).Debug("opened", "files", 3)
	if got, want := tb.out.String(), "level=DEBUG msg=opened files=3\n"; !strings.HasSuffix(got, want) {
		t.Errorf("output = %q, want it to end in %q", got, want)
	}
}
