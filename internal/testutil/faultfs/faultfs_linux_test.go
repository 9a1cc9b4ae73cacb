package faultfs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// run runs a program on the disk: the process of the test itself serves it.
func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}

func TestNoFault(t *testing.T) {
	d := New(t)
	script := `set -e; cd "$1"; mkdir sub; echo hello > sub/a; sync sub/a; ln sub/a b; mv b c; rm sub/a; rmdir sub; cat c`
	if out, err := run(t, "sh", "-c", script, "sh", d.Dir); err != nil || out != "hello\n" {
		t.Errorf("%q, %v", out, err)
	}
	if b, err := os.ReadFile(filepath.Join(d.Real, "c")); err != nil || string(b) != "hello\n" {
		t.Errorf("in the directory behind: %q, %v", b, err)
	}
}

func TestErrors(t *testing.T) {
	d := New(t)
	for op, script := range map[Op]string{
		Open: "cat a", Create: "echo > new", Mkdir: "mkdir new", Read: "cat a", Write: "echo >> a", Sync: "sync a",
		Rename: "mv a new", Link: "ln a new", Remove: "rm a", Stat: "stat a", Statfs: "stat -f .",
	} {
		t.Run(string(op), func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(d.Real, "a"), []byte("hello\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(filepath.Join(d.Real, "new"))
			f := d.Break(Fault{Ops: []Op{op}, Err: syscall.EIO})
			out, err := run(t, "sh", "-c", "cd "+d.Dir+" && "+script)
			if err == nil {
				t.Errorf("no error: %s", out)
			}
			select {
			case <-f.Met():
			default:
				t.Errorf("the fault was not met: %s", out)
			}
			f.Mend()
			if out, err := run(t, "sh", "-c", "cd "+d.Dir+" && "+script); err != nil {
				t.Errorf("mended: %v: %s", err, out)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	d := New(t)
	d.Break(Fault{Ops: []Op{Create}, Path: "*.log", Err: syscall.ENOSPC})
	d.Break(Fault{Ops: []Op{Create}, Path: "sub/b", Err: syscall.EROFS})
	script := `cd "$1"; mkdir sub; for f in a.log sub/a.log b sub/b; do (: > $f) 2>/dev/null && echo $f; done`
	if out, err := run(t, "sh", "-c", script, "sh", d.Dir); out != "b\n" {
		t.Errorf("created %q, %v", out, err)
	}
}

func TestHang(t *testing.T) {
	d := New(t)
	f := d.Break(Fault{Ops: []Op{Write}, Hang: true})
	cmd := exec.Command("sh", "-c", "echo hello > "+filepath.Join(d.Dir, "a"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-f.Met()
	if b, err := os.ReadFile(filepath.Join(d.Real, "a")); err != nil || len(b) > 0 {
		t.Errorf("in the hang: %q, %v", b, err)
	}
	d.Heal()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestFree(t *testing.T) {
	d := New(t)
	d.Break(Fault{Ops: []Op{Statfs}, Free: 12 << 20})
	if out, err := run(t, "stat", "-f", "-c", "%a %S", d.Dir); err != nil || out != "3072 4096\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// A failed test leaves nothing behind either.
func TestUnmounted(t *testing.T) {
	var dir string
	t.Run("", func(t *testing.T) { dir = New(t).Dir })
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
}
