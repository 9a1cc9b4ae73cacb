package conformance

import (
	"os"
	"syscall"
)

// isolation lets a process have a network of its own.
var isolation = &syscall.SysProcAttr{
	Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
	UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
}
