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

// minSecret is the length in bytes of the shortest secret: a shorter one cannot
// be told from other text.
const minSecret = 8

// maxLog is how much of a test's log is kept, in bytes, before it is searched
// for the secrets known so far and let go. Fuzzing logs without end.
const maxLog = 1 << 20

// process is the ledger of all tests of this process.
var process = newLedger()

// Secret says that no log of this process may hold any of texts: keys, tokens,
// UserSigs and whatever else tb made that is to stay between two parties.
// [Main] looks for them when all tests are over, so it does not matter whether a
// text is named before or after it was logged. An empty text is a secret that
// was not made; any other of fewer than 8 bytes fails tb.
func Secret(tb testing.TB, texts ...string) {
	tb.Helper()
	for _, text := range texts {
		switch {
		case text == "":
		case len(text) < minSecret:
			tb.Errorf("a secret of %d bytes cannot be told from other text; make it one of at least %d", len(text), minSecret)
		default:
			process.keep(tb.Name(), text)
		}
	}
}

// Keep returns a writer to w that also keeps what is written, for [Main]. A test
// that reads its log itself puts it between its logger and its buffer.
func Keep(tb testing.TB, w io.Writer) io.Writer { return process.writer(tb.Name(), w) }

// Main runs the tests of a package and ends the process. It fails if a log that
// went through [Logger] or [Keep] holds a [Secret]. A package whose tests start
// servers has it as TestMain. It sets the usual umask, because a server does not
// start on files that others can write to.
func Main(m *testing.M) {
	syscall.Umask(0o022)
	code := m.Run()
	for _, leak := range process.report() {
		fmt.Fprintln(os.Stderr, leak)
		code = max(code, 1)
	}
	os.Exit(code)
}

// A ledger keeps what tests log, and the secrets that must not be in it.
type ledger struct {
	mu     sync.Mutex
	logs   map[string]*bytes.Buffer // by the test that logged
	owners map[string]string        // by the secret, in each form: the test that made it
	leaks  map[leak]string          // where each was seen first
}

// A leak is a log that holds a secret.
type leak struct{ test, secret string }

func newLedger() *ledger {
	return &ledger{logs: map[string]*bytes.Buffer{}, owners: map[string]string{}, leaks: map[leak]string{}}
}

// keep remembers a secret as it is, and as it looks in a URL and in a quoted
// value of a log.
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

// A keptLog is a log of which the ledger keeps a copy.
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

// report says which logs hold whose secrets, once for each, without showing
// them.
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

// A head is how secrets begin: by it, all are looked for at once.
type head [minSecret]byte

// heads returns the secrets by their heads.
func (l *ledger) heads() map[head][]string {
	heads := map[head][]string{}
	for secret := range l.owners {
		h := head([]byte(secret))
		heads[h] = append(heads[h], secret)
	}
	return heads
}

// search notes the leaks in the log of a test.
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

// before returns what shows a person where a secret stands: the end of the line
// in front of it.
func before(log []byte) string {
	line := log[bytes.LastIndexByte(log, '\n')+1:]
	return string(line[max(0, len(line)-40):])
}
