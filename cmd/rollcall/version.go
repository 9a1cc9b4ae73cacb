package main

import (
	"fmt"
	"runtime"
)

// versionCmd prints the version of the program, and of Go.
type versionCmd struct{}

// Help is shown by rollcall version --help.
func (versionCmd) Help() string {
	return `With the version of Go and the system that it was built for.

Examples:
  rollcall version`
}

func (versionCmd) Run(env *environment) error {
	_, err := fmt.Fprintln(env.stdout, versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("rollcall %s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
