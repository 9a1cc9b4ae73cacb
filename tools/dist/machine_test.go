package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bootScript boots the system manager of this machine on a copy of its files that is thrown
// away at the end: an overlay in memory, with processes, users, mounts and a network of its
// own. $1 is a directory for the mounts, $2 one whose files are copied into /root, $3 a name
// for groups of processes.
const bootScript = `
set -eu
for d in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
	if [ -e "$d/cgroup.procs" ]; then
		mkdir -p "$d/$3"
		echo 0 >"$d/$3/cgroup.procs"
	fi
done
exec unshare --cgroup bash -c '
set -eu
mount -t tmpfs layer "$1"
mkdir "$1/upper" "$1/work" "$1/root"
root=$1/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs run "$root/run"
mount -t tmpfs tmp "$root/tmp"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
	mount -t tmpfs cgroup "$root/sys/fs/cgroup"
	mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
	mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
fi
rm -rf "$root/etc/systemd/system" "$root/var/lib/rollcall" "$root/etc/rollcall"
mkdir -p "$root/etc/systemd/system"
: >"$root/etc/fstab"
cp -a "$2/." "$root/root/"
exec chroot "$root" env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=false
' boot "$@"
`

// bootTime limits the start of a machine, and each command on it.
const bootTime = 2 * time.Minute

// A machine runs systemd on a copy of this machine.
type machine struct {
	t   *testing.T
	pid int
}

// boot starts a machine with the files of dir in /root. It skips the test where that is not
// possible, but not in CI.
func boot(t *testing.T, dir string) *machine {
	t.Helper()
	if problem := cannotBoot(); problem != "" {
		skip(t, problem)
	}
	name := fmt.Sprintf("rollcall-dist-test-%d", os.Getpid())
	cmd := exec.Command("bash", "-c", bootScript, "boot", t.TempDir(), dir, name)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // the machine ends with the thread that started it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		runtime.UnlockOSThread()
		removeGroups(name)
		if t.Failed() {
			t.Logf("log of the machine:\n%s", &log)
		}
	})
	m := &machine{t, cmd.Process.Pid}
	deadline := time.Now().Add(bootTime)
	for {
		out, err := m.try("systemctl", "is-system-running", "--wait")
		if err == nil || strings.Contains(out, "degraded") {
			return m
		}
		if time.Now().After(deadline) {
			t.Fatalf("the machine does not start: %v: %s", err, out)
		}
		time.Sleep(100 * time.Millisecond) // until the manager listens
	}
}

// cannotBoot says why no machine can be started here, or "".
func cannotBoot() string {
	if os.Getuid() != 0 {
		return "only root can start a machine"
	}
	for _, file := range []string{"/etc/debian_version", "/lib/systemd/systemd"} {
		if _, err := os.Stat(file); err != nil {
			return "a machine needs Debian with systemd: " + err.Error()
		}
	}
	return ""
}

// skip skips a test that this machine cannot run. In CI that is a failure.
func skip(t *testing.T, problem string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(problem)
	}
	t.Skip(problem)
}

// removeGroups removes the groups of processes of a machine that has ended.
func removeGroups(name string) {
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"} {
		_ = exec.Command("find", filepath.Join(root, name), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";").Run()
	}
}

// try runs a command on the machine and returns what it prints.
func (m *machine) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), bootTime)
	defer cancel()
	cmd := m.command(ctx, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, 10*time.Second
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

// command returns a command on the machine.
func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{
		"--target", fmt.Sprint(m.pid), "--mount", "--pid", "--ipc", "--uts", "--net", "--root", "--wd",
		"env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
	}, args...)...)
}

// run runs a command that must succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		journal, _ := m.try("journalctl", "--no-pager", "--lines=40", "--unit=rollcall")
		m.t.Fatalf("%s: %v: %s\njournal:\n%s", strings.Join(args, " "), err, out, journal)
	}
	return out
}

// want runs a shell command and compares what it prints.
func (m *machine) want(command, want string) {
	m.t.Helper()
	if got := m.run("sh", "-c", command); got != want {
		m.t.Errorf("%s\nprints %q, want %q", command, got, want)
	}
}

// copyFile copies a file, for the machine.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	src, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
}
