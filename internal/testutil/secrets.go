package testutil

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// minSecret is the minimum length of a secret in bytes. A shorter one could occur in
// other text by chance.
const minSecret = 8

// maxLog is the largest part of a test's log that is kept, in bytes. A longer log is
// searched for the secrets that are known so far and then dropped, because fuzzing logs
// without end.
const maxLog = 1 << 20

// process is the ledger of all tests in this process.
var process = newLedger()

// Secret declares texts that no log of this process may contain, such as keys, tokens
// and UserSigs. [Main] searches the logs after all tests, so a text may be declared
// before or after it is logged. An empty text is ignored. Any other text of fewer than
// 8 bytes fails tb.
func Secret(tb testing.TB, texts ...string) {
	tb.Helper()
	for _, text := range texts {
		switch {
		case text == "":
		case len(text) < minSecret:
			tb.Errorf("a secret of %d bytes could occur in other text by chance; use one of at least %d", len(text), minSecret)
		default:
			process.keep(tb.Name(), text)
		}
	}
}

// Keep returns a writer to w that also stores a copy for [Main]. A test that reads its
// log itself uses Keep between its logger and its buffer.
func Keep(tb testing.TB, w io.Writer) io.Writer { return process.writer(tb.Name(), w) }

// Main runs the tests of a package and exits the process. It fails if a log of [Logger]
// or [Keep] contains a [Secret]. Packages whose tests start servers call it in TestMain.
// It sets the umask to 022, because a server does not start if others can write to its
// files.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is [Main] without the exit. It returns the exit code.
func Run(m *testing.M) int {
	syscall.Umask(0o022)
	code := m.Run()
	for _, leak := range process.report() {
		fmt.Fprintln(os.Stderr, leak)
		code = max(code, 1)
	}
	return code
}

// A ledger contains the logs of tests, and the secrets that must not be in them.
type ledger struct {
	mu     sync.Mutex
	logs   map[string]*bytes.Buffer // by test
	owners map[string]string        // from each form of a secret to the test that declared it
	leaks  map[leak]string          // text before the first occurrence of each leak
}

// A leak is a secret in the log of a test.
type leak struct{ test, secret string }

func newLedger() *ledger {
	return &ledger{logs: map[string]*bytes.Buffer{}, owners: map[string]string{}, leaks: map[leak]string{}}
}

// keep stores a secret in three forms: as it is, escaped for a URL, and quoted for a log.
func (l *ledger) keep(test, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	quoted := strconv.Quote(text)
	for _, form := range []string{text, url.QueryEscape(text), quoted[1 : len(quoted)-1]} {
		if _, ok := l.owners[form]; !ok {
			l.owners[form] = test
		}
	}
}

func (l *ledger) writer(test string, w io.Writer) io.Writer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs[test] == nil {
		l.logs[test] = new(bytes.Buffer)
	}
	return &keptLog{l, test, w}
}

// A keptLog is a writer of a log that also writes to the ledger.
type keptLog struct {
	ledger *ledger
	test   string
	w      io.Writer
}

// Write implements [io.Writer].
func (k *keptLog) Write(p []byte) (int, error) {
	k.ledger.log(k.test, p)
	return k.w.Write(p)
}

func (l *ledger) log(test string, p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs[test].Write(p)
	if l.logs[test].Len() > maxLog {
		l.search(test, l.heads())
		l.logs[test].Reset()
	}
}

// report returns a line for each leak, without the secret.
func (l *ledger) report() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	heads := l.heads()
	for test := range l.logs {
		l.search(test, heads)
	}
	var lines []string
	for leak, before := range l.leaks {
		lines = append(lines, fmt.Sprintf("the log of %s holds a secret of %s, after %q", leak.test, l.owners[leak.secret], before))
	}
	slices.Sort(lines)
	return lines
}

// A head is the first bytes of a secret. It allows searching for all secrets at once.
type head [minSecret]byte

// heads returns the secrets by head.
func (l *ledger) heads() map[head][]string {
	heads := map[head][]string{}
	for secret := range l.owners {
		h := head([]byte(secret))
		heads[h] = append(heads[h], secret)
	}
	return heads
}

// search records the leaks in the log of a test.
func (l *ledger) search(test string, heads map[head][]string) {
	log := l.logs[test].Bytes()
	for i := range max(0, len(log)-minSecret+1) {
		for _, secret := range heads[head(log[i:])] {
			key := leak{test, secret}
			if _, ok := l.leaks[key]; !ok && bytes.HasPrefix(log[i:], []byte(secret)) {
				l.leaks[key] = before(log[:i])
			}
		}
	}
}

// before returns the text that shows people where a secret is: the last 40 bytes of its
// line in front of it.
func before(log []byte) string {
	line := log[bytes.LastIndexByte(log, '\n')+1:]
	return string(line[max(0, len(line)-40):])
}
