package testutil

import (
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { Main(m) }

const sample = "rct_of-a*test\nin two lines"

func TestReport(t *testing.T) {
	for name, tt := range map[string]struct {
		log  func(*slog.Logger)
		want []string
	}{
		"nothing":    {func(*slog.Logger) {}, nil},
		"other text": {func(lg *slog.Logger) { lg.Info("made", "key", sample[:len(sample)-1]) }, nil},
		"as a value": {
			func(lg *slog.Logger) { lg.Info("made", "key", sample) },
			[]string{`the log of TestA holds a secret of TestB, after "level=INFO msg=made key=\""`},
		},
		"in a URL": {
			func(lg *slog.Logger) { lg.Info("called", "path", "/v4/x?usersig="+url.QueryEscape(sample)+"&random=1") },
			[]string{`the log of TestA holds a secret of TestB, after "vel=INFO msg=called path=\"/v4/x?usersig="`},
		},
		"more than once": {
			func(lg *slog.Logger) { lg.Warn(sample); lg.Error(sample) },
			[]string{`the log of TestA holds a secret of TestB, after "level=WARN msg=\""`},
		},
		"at the very end": {
			func(lg *slog.Logger) { _, _ = lg.Handler().(*raw).Write([]byte("Bearer " + sample)) },
			[]string{`the log of TestA holds a secret of TestB, after "Bearer "`},
		},
		"in less than a head": {func(lg *slog.Logger) { _, _ = lg.Handler().(*raw).Write([]byte("short")) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			w := l.writer("TestA", io.Discard)
			tt.log(slog.New(&raw{slog.NewTextHandler(w, withoutTime), w}))
			l.keep("TestB", sample) // after it is logged
			l.keep("TestC", sample) // a second test, which changes nothing
			if diff := cmp.Diff(tt.want, l.report()); diff != "" {
				t.Errorf("leaks (-want +got):\n%s", diff)
			}
		})
	}
}

// raw is a handler that can also write text that is not a log record.
type raw struct {
	slog.Handler
	io.Writer
}

var withoutTime = &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}

// TestLongLog checks that a long log is searched and then dropped from memory.
func TestLongLog(t *testing.T) {
	l := newLedger()
	l.keep("TestB", sample)
	w := l.writer("TestA", io.Discard)
	for _, p := range [][]byte{[]byte("key=" + sample + "\n"), make([]byte, maxLog)} {
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.logs["TestA"].Len(); n != 0 {
		t.Errorf("%d bytes are kept, want none", n)
	}
	if diff := cmp.Diff([]string{`the log of TestA holds a secret of TestB, after "key="`}, l.report()); diff != "" {
		t.Errorf("leaks (-want +got):\n%s", diff)
	}
}

func TestSecretTooShort(t *testing.T) {
	tb := &recordingTB{TB: t}
	if Secret(tb, "12345678", ""); tb.failed {
		t.Error("8 bytes or none are refused")
	}
	if Secret(tb, "1234567"); !tb.failed {
		t.Error("7 bytes are accepted")
	}
}

// leakEnv is an environment variable that makes TestLeak log its secret.
const leakEnv = "TESTUTIL_LEAK"

// TestLeak always passes. Only Main finds that it logs a secret.
func TestLeak(t *testing.T) {
	secret := "secret of " + t.Name()
	Secret(t, secret)
	if os.Getenv(leakEnv) != "" {
		Logger(t).Info("made", "key", secret)
	}
}

// TestMainFindsLeak checks that a process whose tests all pass fails if and only if a
// secret was logged.
func TestMainFindsLeak(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range []string{"", "yes"} {
		cmd := exec.Command(exe, "-test.run=^TestLeak$")
		cmd.Env = append(os.Environ(), leakEnv+"="+env)
		b, err := cmd.CombinedOutput()
		out := string(b)
		leaked := strings.Contains(out, "the log of TestLeak holds a secret of TestLeak")
		if want := env != ""; leaked != want || err != nil != want {
			t.Errorf("%s=%s: %v\n%s", leakEnv, env, err, out)
		}
		if !strings.Contains(out, "PASS") || strings.Contains(out, "secret of TestLeak\"") {
			t.Errorf("%s=%s: the test failed, or the secret is shown:\n%s", leakEnv, env, out)
		}
	}
}
