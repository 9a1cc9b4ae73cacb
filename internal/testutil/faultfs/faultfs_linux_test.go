package faultfs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// run runs a program that uses the disk. The test cannot use the disk itself, because its
// process serves it.
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
		t.Errorf("during the hang: %q, %v", b, err)
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

// leave is an environment variable that makes this binary run as a test that is killed.
const leave = "ROLLCALL_TEST_LEAVE_DISK"

func TestMain(m *testing.M) {
	if os.Getenv(leave) != "" {
		cutOff()
	}
	os.Exit(m.Run())
}

// cutOff mounts a disk, prints its directory, and exits without cleaning up.
func cutOff() {
	testing.Benchmark(func(b *testing.B) {
		fmt.Println(New(b).Dir)
		os.Exit(0)
	})
}

func mounted(t *testing.T, dir string) bool {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(mounts), " "+dir+" ")
}

// TestUnmounted checks that New leaves no mount behind, and that it detaches the mount of a
// process that was killed.
func TestUnmounted(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), leave+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	left := strings.TrimSpace(string(out))
	var dir string
	t.Run("", func(t *testing.T) {
		if dir = New(t).Dir; !mounted(t, dir) {
			t.Errorf("%s is not mounted", dir)
		}
	})
	if mounted(t, dir) || mounted(t, left) {
		t.Errorf("still mounted: %s %v, %s %v", dir, mounted(t, dir), left, mounted(t, left))
	}
}
