package server

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/backup"
	"rollcall/internal/config"
	"rollcall/internal/store/open"
)

// TestFailedStartKeepsBackup starts on a backup, each time with another mistake. No failed
// start may change a file of the backup.
func TestFailedStartKeepsBackup(t *testing.T) {
	data, sealKeys := backedUp(t)
	before := files(t, data)
	dir := t.TempDir()
	file := func(name, text string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	for _, tt := range []struct {
		name string
		with func(*config.Config)
		want string
	}{
		{"no sealing keys", func(o *config.Config) { o.SealKeys = filepath.Join(dir, "none") }, "is missing"},
		{"other sealing keys", func(o *config.Config) { o.SealKeys = file("other", "1 "+strings.Repeat("A", 43)+"=\n", 0o600) }, "seal"},
		{"open sealing keys", func(o *config.Config) { o.SealKeys = file("open", "", 0o644) }, "can be read by others"},
		{"admin address", func(o *config.Config) { o.AdminListen = busy }, "--admin-listen"},
		{"pprof address", func(o *config.Config) { o.PprofListen = busy }, "--pprof-listen"},
		{"address", func(o *config.Config) { o.Listen = busy }, "--listen"},
		{"certificate", func(o *config.Config) { o.TLSCert, o.TLSKey = "none", "none" }, "--tls-cert"},
		{"token", func(o *config.Config) { o.AdminTokenFile = file("token", "x", 0o600) }, "holds no token"},
		{"token of another user", func(o *config.Config) { o.AdminTokenFile = foreign(t, file("foreign.token", "x", 0o600)) }, "belongs to another user"},
		{"sealing keys of another user", func(o *config.Config) { o.SealKeys = foreign(t, file("foreign.keys", "x", 0o600)) }, "belongs to another user"},
		{"key", func(o *config.Config) { o.SDKAppID, o.KeyFile = 1, "none" }, "--key-file"},
	} {
		c := config.Config{Store: "pebble:" + filepath.Join(data, backup.Store), Data: data, SealKeys: sealKeys}
		tt.with(&c)
		s, err := openWith(t, Options{Config: c})
		if err == nil {
			t.Fatalf("%s: the server started: %v", tt.name, s.close())
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if diff := cmp.Diff(before, files(t, data)); diff != "" {
			t.Fatalf("%s: the failed start changed the backup (-before +after):\n%s", tt.name, diff)
		}
	}
	if _, err := open.Verify(t.Context(), data, sealKeys); err != nil {
		t.Error(err)
	}
}

// backedUp returns the directory of a backup with one app and its sealing keys.
func backedUp(t *testing.T) (data, sealKeys string) {
	t.Helper()
	top := t.TempDir()
	first := filepath.Join(top, "first")
	if err := MakeDataDir(first); err != nil {
		t.Fatal(err)
	}
	s, err := openWith(t, Options{Config: config.Config{Store: "pebble:" + filepath.Join(first, backup.Store), Data: first}})
	if err != nil {
		t.Fatal(err)
	}
	data = filepath.Join(top, "copy")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	copier, _ := account.Find[account.Snapshotter](s.engine)
	if err := copier.Snapshot(t.Context(), filepath.Join(data, backup.Store)); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Describe(data, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	return data, filepath.Join(first, config.SealFile)
}

// files returns the content of every file below dir.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTokenFileFaults checks the errors for a token file that cannot be created, for
// example because the server may not write to /etc.
func TestTokenFileFaults(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EACCES: "does not exist and cannot be created: let the user of the server write to /etc/rollcall, ",
		syscall.EROFS:  "does not exist and cannot be created: let the user of the server write to /etc/rollcall, ",
		syscall.EIO:    "--admin-token-file: open /etc/rollcall/token.1: input/output error",
	} {
		got := tokenFault("/etc/rollcall/token", &fs.PathError{Op: "open", Path: "/etc/rollcall/token.1", Err: err})
		if !strings.Contains(got.Error(), want) {
			t.Errorf("%v: %v, want %q", err, got, want)
		}
	}
}
