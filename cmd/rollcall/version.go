package main

import (
	"fmt"
	"runtime"
)

// versionCmd prints what was built, and with what.
type versionCmd struct{}

func (versionCmd) Run(env *environment) error {
	fmt.Fprintf(env.stdout, "rollcall %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
