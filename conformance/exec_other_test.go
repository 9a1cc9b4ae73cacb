//go:build !linux

package conformance

import "syscall"

// isolation is nil, because only Linux has namespaces.
var isolation *syscall.SysProcAttr
