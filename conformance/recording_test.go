package conformance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/pseudonym"
	"rollcall/internal/recording"
	"rollcall/internal/testutil"
	"rollcall/usersig"
)

// notReplayed says why the replays of some transcripts differ from their recordings. It
// is also in docs/recording.md.
var notReplayed = map[string]string{
	"account_import":      "pseudonyms do not contain the app's sensitive words",
	"multiaccount_import": "pseudonyms do not contain the app's sensitive words",
	"portrait_set":        "pseudonyms do not contain the app's sensitive words",
	"gate_sources":        "the server refuses the address of the replay",
	"fault_internal":      "a replay begins with account_check",
	"fault_unavailable":   "a replay begins with account_check",
}

// TestRecording records each transcript and replays it against another server with the
// same settings. There must be no difference.
func TestRecording(t *testing.T) {
	k := newKeys(t)
	for _, file := range transcriptFiles(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if notReplayed[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			tr, err := readTranscript(file)
			if err != nil {
				t.Fatal(err)
			}
			recorded := filepath.Join(t.TempDir(), "calls.ndjson")
			again := usualStore(t)
			tr.setup.store = usualStore(t)
			synctest.Test(t, func(t *testing.T) { tr.recordAndReplay(t, k, recorded, again) })
		})
	}
}

// recordAndReplay must be called in a bubble. The replay begins with the empty store again.
func (tr *transcript) recordAndReplay(t *testing.T, k *keys, file string, again account.Engine) {
	time.Sleep(time.Until(tr.setup.clock))
	names := pseudonym.New()
	rec, err := recording.NewRecorder(recording.Options{
		To: &url.URL{Scheme: "http", Host: "rollcall.example"}, File: file, By: "test",
		Transport: piped(t, serve(t, k, tr.setup)), Names: names, Logger: testutil.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tr.steps {
		time.Sleep(s.sleep)
		rec.ServeHTTP(httptest.NewRecorder(), s.request(t, k))
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	hidden := tr.setup.hidden(names)
	hidden.store = again
	defer time.Sleep(time.Second) // net/http closes a connection half a second late
	replayOf(t, file, len(tr.steps), recording.Target{
		URL: "http://rollcall.example", Key: k.signing["hmac"], SDKAppID: uint32(defaultApp), Pace: true,
		HTTPClient: &http.Client{Transport: piped(t, serve(t, k, hidden))},
	})
}

// hidden returns s with pseudonyms in place of ids.
func (s setup) hidden(names *pseudonym.Key) setup {
	s.accounts = slices.Clone(s.accounts)
	for i, id := range s.accounts {
		s.accounts[i] = account.UserID(names.Text(string(id)))
	}
	s.devices = slices.Clone(s.devices)
	for i, d := range s.devices {
		s.devices[i].user = account.UserID(names.Text(string(d.user)))
	}
	status := map[account.UserID]string{}
	for user, text := range s.status {
		status[account.UserID(names.Text(string(user)))] = names.Text(text)
	}
	s.status = status
	return s
}

// piped returns a transport to a server in memory.
func piped(t *testing.T, p *pipe) *http.Transport {
	transport := recording.NewTransport()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return p.dial(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 40000}), nil
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// replayOf replays a recording, in which want calls must be, without a difference.
func replayOf(t *testing.T, file string, want int, target recording.Target) {
	t.Helper()
	rec, err := recording.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := recording.Replay(t.Context(), rec, target, func(d recording.Difference) error {
		t.Error(d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Calls+sum.Skipped != want || sum.Unreadable > 0 {
		t.Errorf("summary %+v, want %d calls", *sum, want)
	}
}

// TestRecordNPMClient records the scenario of a published client and replays it against a
// new server.
func TestRecordNPMClient(t *testing.T) {
	needNodeModules(t)
	k := newKeys(t)
	s := setup{store: usualStore(t), apps: []account.App{{ID: defaultApp, Edition: account.Development}}, fault: account.OK}
	first := httptest.NewServer(newHandler(t, testutil.Logger(t), k, s))
	defer first.Close()
	to, err := url.Parse(first.URL)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "calls.ndjson")
	rec, err := recording.NewRecorder(recording.Options{To: to, File: file, Logger: testutil.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	addr, ca := serveTLS(t, rec)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // only limits a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--require", "./redirect.js", "scenario.js")
	cmd.Dir = "npm"
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "NODE_NO_WARNINGS=1", "NODE_EXTRA_CA_CERTS=" + writeFile(t, "ca.pem", ca),
		fmt.Sprint("ROLLCALL_PORT=", addr.Port), fmt.Sprint("ROLLCALL_SDKAPPID=", defaultApp), "ROLLCALL_SIGNER=vendor",
		"ROLLCALL_KEY_FILE=" + writeFile(t, "key.pem", k.privatePEM), "ROLLCALL_SECRET=" + sampleKey,
	}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "25 steps passed") {
		t.Errorf("node: %v\n%s", err, out)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{sampleKey, "alice", "carol", "Alice", "a.png", "eJ"} {
		if strings.Contains(string(b), text) {
			t.Errorf("the recording contains %q", text)
		}
	}
	s.store = usualStore(t)
	second := httptest.NewServer(newHandler(t, testutil.Logger(t), k, s))
	defer second.Close()
	replayOf(t, file, 25, recording.Target{URL: second.URL, Key: usersig.HMACKey(sampleKey)})
}
