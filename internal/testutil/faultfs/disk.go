//go:build linux

package faultfs

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A Disk is a mounted file system.
type Disk struct {
	Dir  string // where it is mounted, for the process under test
	Real string // the directory behind it, for the test: it knows no faults

	mu     sync.Mutex
	faults []*Active
}

// New mounts a file system on an empty directory. It is unmounted when the test ends,
// after everything that the test does later was cleaned up; a process that still works
// on it keeps it for itself. New skips the test where there is no FUSE.
func New(tb testing.TB) *Disk {
	tb.Helper()
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		tb.Skipf("a disk with faults needs FUSE: %v", err)
	}
	_ = device.Close()
	sweep(tb)
	d := &Disk{Dir: tb.TempDir(), Real: tb.TempDir()}
	root := &node{LoopbackNode: &fs.LoopbackNode{RootData: &fs.LoopbackRoot{Path: d.Real}}, disk: d}
	root.RootData.RootNode = root
	server, err := fs.Mount(d.Dir, root, &fs.Options{MountOptions: fuse.MountOptions{
		DirectMount: true, // without the program fusermount
		FsName:      source + strconv.Itoa(os.Getpid()), Name: "faultfs",
		DisabledCapabilities: fuse.CAP_PASSTHROUGH, // else reads and writes do not come here
	}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		d.Heal()
		if err := server.Unmount(); err != nil {
			tb.Errorf("unmounting the disk with faults: %v; it is detached", err)
			_ = syscall.Unmount(d.Dir, syscall.MNT_DETACH)
		}
	})
	if err := closeOnExec(); err != nil {
		tb.Fatal(err)
	}
	return d
}

// source begins the name of each mount; the process that serves it follows.
const source = "faultfs-"

// sweep detaches what processes have left mounted that are gone: a test that runs out of
// time cleans nothing up.
func sweep(tb testing.TB) {
	tb.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		name, rest, _ := strings.Cut(line, " ")
		pid, ours := strings.CutPrefix(name, source)
		if _, err := os.Stat("/proc/" + pid); ours && errors.Is(err, os.ErrNotExist) {
			dir, _, _ := strings.Cut(rest, " ")
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				tb.Logf("detaching %s, of a test that is gone: %v", dir, err)
			}
		}
	}
}

// closeOnExec keeps the connections to the kernel out of the processes that the test
// starts: it would not end with the test.
func closeOnExec() error {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && to == "/dev/fuse" {
			fd, err := strconv.Atoi(e.Name())
			if err != nil {
				return err
			}
			syscall.CloseOnExec(fd)
		}
	}
	return err
}
