package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// Numbers of prctl(2).
const (
	prCapAmbient         = 47
	prCapAmbientClearAll = 4
)

// Run mounts the files in the mount namespace of this process, which exec has created for
// it, and becomes the program.
func (c *execInsideCmd) Run() error {
	for _, over := range c.Over {
		target, file, _ := strings.Cut(over, "=")
		if err := syscall.Mount(file, target, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting over %s: %w", target, err)
		}
	}
	if len(c.Command) == 0 {
		return nil
	}
	// The program needs no capability. The list belongs to a thread, and the thread that
	// calls Exec becomes the program.
	runtime.LockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prCapAmbient, prCapAmbientClearAll, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	command := c.Command[1:] // kong keeps the -- before it
	err := syscall.Exec(c.Path, command, os.Environ())
	fmt.Fprintf(os.Stderr, "rollcall exec: %s cannot be run: %v\n", command[0], err)
	return &quietError{exitCannotRun}
}
