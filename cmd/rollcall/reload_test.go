package main

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"rollcall/internal/directory"
	"rollcall/internal/testutil"
)

// A publicSite is the files of a server for others, with TLS, an app and an address for
// admins.
type publicSite struct {
	t   *testing.T
	dir string
	key string // of the app

	noApp bool // the settings name no app
}

const publicApp = "1400000051"

func newPublicSite(t *testing.T) *publicSite {
	s := &publicSite{t: t, dir: t.TempDir(), key: directory.NewSecret()}
	s.write("app.key", s.key)
	s.renew()
	s.level("info")
	return s
}

func (s *publicSite) file(name string) string { return filepath.Join(s.dir, name) }

// write replaces a file in one step.
func (s *publicSite) write(name, text string) {
	s.t.Helper()
	file := s.file(name)
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		s.t.Fatal(err)
	}
}

// renew writes another certificate.
func (s *publicSite) renew() {
	cert, key := testutil.Certificate(s.t)
	s.write("cert.pem", string(cert))
	s.write("key.pem", string(key))
}

// level writes the settings with a level of the log.
func (s *publicSite) level(level string) {
	text := fmt.Sprintf("tls_cert: %[1]s/cert.pem\ntls_key: %[1]s/key.pem\nadmin_listen: 127.0.0.1:0\nadmin_token_file: %[1]s/admin.token\nseal_keys: %[1]s/seal.keys\nlog_level: %[2]s\n", s.dir, level)
	if !s.noApp {
		text += fmt.Sprintf("sdkappid: %s\nkey_file: %s/app.key\n", publicApp, s.dir)
	}
	s.write("rollcall.yml", text)
}

// addSealKey adds a line to the file of sealing keys.
func (s *publicSite) addSealKey(version int) {
	b, err := os.ReadFile(s.file("seal.keys"))
	if err != nil {
		s.t.Fatal(err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	s.write("seal.keys", fmt.Sprintf("%s%d %s\n", b, version, base64.StdEncoding.EncodeToString(key)))
}

// start starts the server. Its flags set no level, which the file sets.
func (s *publicSite) start(variables ...string) *process {
	s.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	dir := s.file("data")
	cmd := envCommand(variables, exe, "serve", "--config", s.file("rollcall.yml"), "--listen", "127.0.0.1:0", "--data", dir)
	return startCommand(s.t, dir, cmd)
}

// insecure returns a client that accepts every certificate. It opens a connection for each
// call, so each call has a handshake.
func insecure(t *testing.T) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestReloadUnderLoad changes what a reload reads, again and again, while clients call the
// server. No call fails, and the supervisor hears of each reload.
func TestReloadUnderLoad(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here, as under nohup, and so the server ignores it too")
	}
	site, socket := newPublicSite(t), newNotifySocket(t)
	p := site.start("NOTIFY_SOCKET=" + socket.name)
	socket.await(t, "READY=1")
	var calls atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for worker := range 4 {
		client := insecure(t)
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				var ack struct{ ActionStatus, ErrorInfo string }
				if err := p.call(client, "account_import", fmt.Sprintf(`{"UserID":"w%d-%d"}`, worker, i%50), &ack); err != nil || ack.ActionStatus != "OK" {
					t.Errorf("import: %+v, %v", ack, err)
					return
				}
				calls.Add(1)
			}
		})
	}
	t.Cleanup(func() { stop.Store(true); wg.Wait() }) // also of a test that has failed
	for n := range 12 {
		site.renew()
		site.level([]string{"debug", "info"}[n%2])
		site.addSealKey(n + 2)
		site.write("admin.token", directory.NewTokenText()+"\n")
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		socket.await(t, "RELOADING=1\nMONOTONIC_USEC=")
		if got := socket.await(t, "READY=1"); !strings.HasSuffix(got, "; reloaded") {
			t.Errorf("after reload %d: %q", n, got)
		}
		before := calls.Load()
		eventually(t, "call after a reload", func() bool { return calls.Load() > before+4 || t.Failed() })
	}
	stop.Store(true)
	wg.Wait()
	const want = `msg=reloaded changed="tls_cert, log_level, seal_keys, admin_token_file"`
	eventually(t, "line of each reload", func() bool { return strings.Count(p.stderr.String(), want) == 12 })
	site.write("rollcall.yml", "no settings")
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	socket.await(t, "RELOADING=1")
	if got := socket.await(t, "READY=1"); !strings.Contains(got, "the last reload failed: "+site.file("rollcall.yml")) {
		t.Errorf("after a bad file: %q", got)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("exit: %v\n%s", err, p.stderr)
	}
}
