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
	Dir  string // mount point, for the process under test
	Real string // the directory behind it, without faults, for the test

	mu     sync.Mutex
	faults []*Active
}

// New mounts a file system on an empty directory. It is unmounted at the end of the test,
// after the cleanups that the test registers later. If a process still uses it, it is
// detached and remains usable for that process. New skips the test on a system without
// FUSE.
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
		DisabledCapabilities: fuse.CAP_PASSTHROUGH, // with it, reads and writes would not reach this process
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

// source begins the name of each mount. The ID of the process that serves it follows.
const source = "faultfs-"

// sweep detaches the mounts of processes that no longer exist. A test that runs out of
// time leaves its mounts behind.
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
				tb.Logf("detaching %s, of a test that has ended: %v", dir, err)
			}
		}
	}
}

// closeOnExec closes the connections to the kernel in the processes that the test starts.
// Otherwise a connection would not end with the test.
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
