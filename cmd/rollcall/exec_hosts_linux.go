package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"unsafe"

	"rollcall/internal/intercept"
)

// Capabilities of Linux that a private hosts file and its port need.
const (
	capNetBindService = 10
	capNetAdmin       = 12
	capSysAdmin       = 21
)

// isolatedVariable says that a process runs in the namespaces of --isolated.
const isolatedVariable = "ROLLCALL_EXEC_ISOLATED"

// useHosts lets the program find the vendor's hosts at an address of this machine. It
// first checks everything that this needs.
func (s *execSession) useHosts(r *intercept.Runtime) error {
	l, err := intercept.ListenHosts()
	if errors.Is(err, os.ErrPermission) {
		return errors.New("--hosts needs root, or CAP_NET_BIND_SERVICE and CAP_SYS_ADMIN, for port 443 and a mount of /etc/hosts of its own: use sudo, or add --isolated")
	}
	if err != nil {
		return fmt.Errorf("--hosts: %w", err)
	}
	s.proxy.Serve(l)
	s.overlays, err = intercept.WriteHosts(s.dir, l.Addr().(*net.TCPAddr).IP, r.Names)
	if err != nil {
		return fmt.Errorf("--hosts: %w", err)
	}
	probe, err := s.inside(nil)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	probe.Stderr = &out
	err = probe.Run()
	switch {
	case errors.Is(err, os.ErrPermission):
		return errors.New("--hosts needs root, or CAP_SYS_ADMIN, for a mount of /etc/hosts of its own, and a container or a sandbox can forbid it to root too: use sudo, or add --isolated")
	case err != nil:
		return fmt.Errorf("--hosts: %w: %s", err, strings.TrimSpace(out.String()))
	}
	return nil
}

// inside returns a command that runs the program with the files of the session mounted.
// Without a program it only mounts them.
func (s *execSession) inside(command []string) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{os.Args[0], "exec-inside"}
	for _, o := range s.overlays {
		args = append(args, "--over", o.Target+"="+o.File)
	}
	if len(command) > 0 {
		path, err := exec.LookPath(command[0])
		if err != nil {
			return nil, err
		}
		args = append(append(args, "--path", path, "--"), command...)
	}
	return &exec.Cmd{Path: exe, Args: args, SysProcAttr: &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}}, nil
}

// isolate runs the same command again in namespaces of its own, and returns its exit code.
func (c *execCmd) isolate(env *environment) (int, error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	if !c.Quiet {
		fmt.Fprintln(env.stderr, "rollcall exec: the program has a network of its own, where it reaches nothing but the service and itself")
	}
	uid, gid := os.Getuid(), os.Getgid()
	cmd := &exec.Cmd{
		Path: exe, Args: os.Args, Env: append(os.Environ(), isolatedVariable+"=1"),
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
			AmbientCaps: []uintptr{capSysAdmin, capNetAdmin, capNetBindService},
		},
	}
	signals, stop := catchSignals()
	defer stop()
	code, err := runProgram(env, cmd, signals)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		return 0, fmt.Errorf("--isolated: this system does not let you create namespaces (%w): set kernel.unprivileged_userns_clone to 1, user.max_user_namespaces above 0 and kernel.apparmor_restrict_unprivileged_userns to 0, as far as they exist, or use sudo and --hosts alone", err)
	}
	return code, err
}

// isolated reports whether this process is the one that isolate has started.
func isolated() bool { return os.Getenv(isolatedVariable) != "" }

// prepareIsolated brings up the loopback interface of a new network.
func prepareIsolated() error {
	if err := os.Unsetenv(isolatedVariable); err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	request := struct { // ifreq of netdevice(7)
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return fmt.Errorf("--isolated: this system gives no rights in the new namespaces (%w): set kernel.apparmor_restrict_unprivileged_userns to 0, or use sudo and --hosts alone", errno)
	}
	return nil
}
