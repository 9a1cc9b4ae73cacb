package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/backup"
	"rollcall/internal/config"
)

func TestMakeDataDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "some", "data")
	ignore := filepath.Join(dir, ".gitignore")
	if err := MakeDataDir(dir); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(ignore); err != nil || string(b) != "*\n" {
		t.Errorf(".gitignore holds %q, %v", b, err)
	}
	for file, want := range map[string]os.FileMode{dir: 0o700, ignore: 0o600} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v, want %v", file, info.Mode(), err, want)
		}
	}
	if err := os.WriteFile(ignore, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := MakeDataDir(dir + "/"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(ignore); err != nil || string(b) != "mine" {
		t.Errorf(".gitignore was changed to %q, %v", b, err)
	}
	if err := MakeDataDir(ignore); err == nil || !strings.Contains(err.Error(), "is not a directory") {
		t.Errorf("MakeDataDir on a file = %v", err)
	}
	if err := MakeDataDir(filepath.Join(ignore, "below")); err == nil {
		t.Error("MakeDataDir below a file succeeded")
	}
}

// TestDataIsStore refuses a data directory that is itself a store, and changes nothing in it.
func TestDataIsStore(t *testing.T) {
	data, _ := backedUp(t)
	dir := filepath.Join(data, backup.Store)
	before := files(t, data)
	err := MakeDataDir(dir)
	if err == nil || !strings.Contains(err.Error(), `accounts is a store itself: name the directory above it if it is called "accounts", or give --store pebble:`+dir) {
		t.Errorf("MakeDataDir of a store = %v", err)
	}
	if diff := cmp.Diff(before, files(t, data)); diff != "" {
		t.Errorf("the store was changed (-before +after):\n%s", diff)
	}
	if err := MakeDataDir(data); err != nil {
		t.Errorf("MakeDataDir of its data directory: %v", err)
	}
}

// TestMakeDataDirNowhere creates a directory at a dangling link, which exists and yet does
// not, and in /proc, where only the kernel creates files. MakeDataDir returns an error.
func TestMakeDataDirNowhere(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nowhere/at/all", link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{link, filepath.Join(link, "data")} {
		if err := MakeDataDir(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("MakeDataDir(%s) = %v, want that it cannot be made", dir, err)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	err := MakeDataDir("/proc/rollcall-data")
	if err == nil || errors.Is(err, fs.ErrNotExist) && !strings.Contains(err.Error(), "choose another") {
		t.Errorf("MakeDataDir in /proc = %v, want one that tells to choose another directory", err)
	}
}

// stranger is the uid of another user.
const stranger = 47110

// foreign changes the owner of a file to another user, and returns its name.
func foreign(t *testing.T, name string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	if err := os.Lchown(name, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestDataDirOfOthers starts on directories with content that other users may control: a
// directory of another user, a link to it, and an own directory with one inside.
func TestDataDirOfOthers(t *testing.T) {
	mkdir := func(elem ...string) string {
		dir := filepath.Join(elem...)
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	top := t.TempDir()
	open := mkdir(top, "open")
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := MakeDataDir(open); err != nil {
		t.Errorf("an open directory of one's own: %v", err)
	}
	if info, err := os.Stat(open); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("it has the mode %v, %v", info.Mode(), err)
	}
	theirs := foreign(t, mkdir(top, "theirs"))
	link := filepath.Join(top, "link")
	if err := os.Symlink(theirs, link); err != nil {
		t.Fatal(err)
	}
	foreign(t, mkdir(mkdir(top, "mine"), "accounts"))
	for _, name := range []string{"theirs", "link", "mine"} {
		if err := MakeDataDir(filepath.Join(top, name)); err == nil || !strings.Contains(err.Error(), "belongs to another user (uid 47110)") {
			t.Errorf("%s: %v, want that it belongs to another user", name, err)
		}
	}
	for _, store := range []string{theirs, filepath.Join(top, "mine", "accounts"), link} {
		c := config.Config{Store: "pebble:" + store, SealKeys: filepath.Join(top, "seal.keys")}
		if _, err := openWith(t, Options{Config: c}); err == nil || !strings.Contains(err.Error(), "belongs to another user (uid 47110)") {
			t.Errorf("store %s: %v, want that it belongs to another user", store, err)
		}
	}
}

// TestStoreOfOpenFiles starts on a store whose directory was once open to everybody. Only
// the modes of its files still show that.
func TestStoreOfOpenFiles(t *testing.T) {
	dir := t.TempDir()
	o := Options{Config: config.Config{Store: "pebble:" + filepath.Join(dir, "accounts"), Data: dir}}
	s, err := openWith(t, o)
	if err != nil {
		t.Fatal(err)
	}
	nameSecrets(t, s)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	start := func() error {
		if err := MakeDataDir(dir); err != nil {
			return err
		}
		s, err := openWith(t, o)
		if err != nil {
			return err
		}
		return s.close()
	}
	logs, err := filepath.Glob(filepath.Join(dir, "accounts", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no log in the store, %v", err)
	}
	for _, name := range []string{logs[0], filepath.Join(dir, ContextFile)} {
		if err := os.Chmod(name, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := start(); err == nil || !strings.Contains(err.Error(), name+" can be written by others (mode 0777)") {
			t.Errorf("%s: %v, want that others can write to it", name, err)
		}
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := start(); err != nil {
		t.Errorf("after chmod: %v", err)
	}
}
