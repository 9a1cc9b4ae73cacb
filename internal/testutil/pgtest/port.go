package pgtest

import (
	"os"
	"sync"
	"syscall"
)

// reserved contains the sockets of [port]. They stay open until the process ends.
var reserved struct {
	sync.Mutex
	sockets []int
}

// port returns a free port of 127.0.0.1, which stays reserved for a server of this
// process: the socket that holds it does not listen, and allows sharing. So the kernel
// gives the port to nobody else, and a server that sets SO_REUSEADDR, as all servers of
// this package do, can bind it as often as it starts.
func port() (int, error) {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	reserved.Lock()
	reserved.sockets = append(reserved.sockets, socket)
	reserved.Unlock()
	if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	return name.(*syscall.SockaddrInet4).Port, nil
}
