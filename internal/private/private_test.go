package private

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stranger is a user who owns none of the files here.
const stranger = 47110

// give changes the owner of a file or a link to the stranger.
func give(t *testing.T, name string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	if err := os.Lchown(name, stranger, stranger); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func mkdir(t *testing.T, name string, mode os.FileMode) string {
	t.Helper()
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func link(t *testing.T, to, name string) string {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// wants checks that err contains want, or is nil if want is "".
func wants(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func openSecret(name string) error {
	f, err := OpenSecret(name)
	if err == nil {
		err = f.Close()
	}
	return err
}

// TestDirIsClosed closes directories of every mode, also through a link of one's own.
func TestDirIsClosed(t *testing.T) {
	for _, mode := range []os.FileMode{0o700, 0o750, 0o755, 0o775, 0o777} {
		dir := mkdir(t, filepath.Join(t.TempDir(), "d"), mode)
		write(t, filepath.Join(dir, "mine"), 0o644)
		wants(t, mode.String(), Dir(link(t, dir, dir+".link")), "")
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("a directory of mode %v has %v now, %v", mode, info.Mode(), err)
		}
	}
	if err := Dir(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("no directory: %v", err)
	}
}

// TestDirOfOthers checks directories that another user owns or can change.
func TestDirOfOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(t *testing.T, root string) string
		want string
	}{
		"directory": {func(t *testing.T, root string) string {
			dir := mkdir(t, root+"/d", 0o700)
			give(t, dir)
			return dir
		}, "d belongs to another user (uid 47110)"},
		"file in it": {func(t *testing.T, root string) string {
			dir := mkdir(t, root+"/d", 0o777)
			give(t, write(t, dir+"/seal.keys", 0o600))
			return dir
		}, "seal.keys belongs to another user (uid 47110)"},
		"link in it": {func(t *testing.T, root string) string {
			dir := mkdir(t, root+"/d", 0o700)
			give(t, link(t, root, dir+"/accounts"))
			return dir
		}, "accounts belongs to another user"},
		"behind a link": {func(t *testing.T, root string) string {
			dir := mkdir(t, root+"/d", 0o700)
			give(t, dir)
			return link(t, dir, root+"/l")
		}, "l belongs to another user"},
		"link": {func(t *testing.T, root string) string {
			l := link(t, mkdir(t, root+"/d", 0o700), root+"/l")
			give(t, l)
			return l
		}, "l is a link of another user"},
	} {
		t.Run(name, func(t *testing.T) { wants(t, "Dir", Dir(tt.make(t, t.TempDir())), tt.want) })
	}
}

func TestOpenSecret(t *testing.T) {
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o400: "", 0o640: "chmod 600", 0o604: "chmod 600", 0o620: "chmod 600", 0o602: "chmod 600",
	} {
		file := write(t, filepath.Join(t.TempDir(), "secret"), mode)
		wants(t, mode.String(), openSecret(file), want)
		wants(t, mode.String()+" by a link", openSecret(link(t, file, file+".link")), want)
	}
	if err := openSecret(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}

func TestOpenSecretOfOthers(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "secret"), 0o600)
	l := link(t, file, file+".link")
	give(t, l)
	wants(t, "a link of another", openSecret(l), "link of another user")
	give(t, file)
	wants(t, "a file of another", openSecret(file), "belongs to another user (uid 47110)")
}

func TestFile(t *testing.T) {
	check := func(name string) error {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return File(name, info)
	}
	for mode, want := range map[os.FileMode]string{0o600: "", 0o640: "chmod 600", 0o604: "chmod 600"} {
		wants(t, mode.String(), check(write(t, filepath.Join(t.TempDir(), "file"), mode)), want)
	}
	file := write(t, filepath.Join(t.TempDir(), "file"), 0o600)
	give(t, file)
	wants(t, "a file of another", check(file), "belongs to another user")
}

// TestDirOfOpenFiles checks that files are refused if others could write to them while
// the directory was open, also after the directory was closed.
func TestDirOfOpenFiles(t *testing.T) {
	const refused = "MANIFEST can be written by others (mode "
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o644: "", 0o755: "", 0o620: refused + "0620)", 0o602: refused + "0602)", 0o777: refused + "0777)",
	} {
		for _, directory := range []os.FileMode{0o700, 0o755, 0o777} {
			dir := mkdir(t, filepath.Join(t.TempDir(), "d"), directory)
			write(t, dir+"/seal.keys", 0o600)
			write(t, dir+"/MANIFEST", mode)
			mkdir(t, dir+"/accounts", 0o777)       // is closed and checked by itself
			link(t, dir+"/seal.keys", dir+"/link") // links have the mode 0777
			for range 2 {
				err := Dir(dir)
				wants(t, directory.String()+" with a file of "+mode.String(), err, want)
				if want != "" {
					wants(t, "remedy", err, "chmod -R go-w "+dir+" if")
				}
			}
		}
	}
}

// TestHolder checks files of every kind of owner as root and as another user.
func TestHolder(t *testing.T) {
	const root, me, other = 0, 1000, 1001
	for _, tt := range []struct {
		caller, owner int
		mode          os.FileMode
		// Whether the file may hold a secret, is trusted in a directory, and counts as
		// the caller's own, and whether a directory of that mode is closed and is safe.
		secret, entry, file, change, safe bool
	}{
		{me, me, 0o600, true, true, true, false, true},
		{me, me, 0o700, true, true, true, false, true},
		{me, me, 0o640, false, true, false, true, true},
		{me, me, 0o604, false, true, false, true, true},
		{me, me, 0o620, false, false, false, true, true},
		{me, me, 0o602, false, false, false, true, true},
		{me, root, 0o600, true, true, false, false, true},
		{me, root, 0o640, true, true, false, false, true},
		{me, root, 0o650, false, true, false, false, true},
		{me, root, 0o644, false, true, false, false, true},
		{me, root, 0o660, false, false, false, false, false},
		{me, root, 0o602, false, false, false, false, false},
		{root, root, 0o600, true, true, true, false, true},
		{root, root, 0o640, false, true, false, true, true},
		{root, root, 0o660, false, false, false, true, true},
		{me, other, 0o600, false, false, false, false, false},
		{root, other, 0o600, false, false, false, false, false},
	} {
		h := holder{tt.caller, tt.owner, tt.mode}
		change, safe := h.closing()
		if secret := h.trusted() && h.secret(); secret != tt.secret {
			t.Errorf("%+v may hold a secret: %v", h, secret)
		}
		if entry := h.checkEntry("f") == nil; entry != tt.entry {
			t.Errorf("%+v is trusted in a directory: %v", h, entry)
		}
		if file := h.checkFile("f") == nil; file != tt.file {
			t.Errorf("%+v is the caller's own: %v", h, file)
		}
		if safe = h.trusted() && safe; change != tt.change || safe != tt.safe {
			t.Errorf("%+v is closed: %v, safe: %v", h, change, safe)
		}
	}
}
