package main

import (
	"fmt"
	"runtime"

	"rollcall/internal/store/open"
)

// The linker sets both, as it does version. They are empty in a program that "go build"
// makes without flags.
var (
	commit string // of the source, in full
	date   string // of the commit, in RFC 3339 and UTC
)

// versionCmd prints the version of the program, of Go, and of the data that it writes.
type versionCmd struct {
	Output string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
}

// Help is shown by rollcall version --help.
func (versionCmd) Help() string {
	return `With the version of Go and the system that it was built for.

With --output json it also prints the commit with its date, the number of the
format of embedded stores (store_format), and the version of the schema of
databases (schema). A program refuses data with a higher number than its own.

Examples:
  rollcall version
  rollcall version --output json`
}

// A programVersion is what version --output json prints.
type programVersion struct {
	Version     string `json:"version"`
	Commit      string `json:"commit"`
	Date        string `json:"date"`
	Go          string `json:"go"`
	OS          string `json:"os"`
	Arch        string `json:"arch"`
	StoreFormat int    `json:"store_format"`
	Schema      int64  `json:"schema"`
}

// Run prints the version.
func (c versionCmd) Run(env *environment) error {
	if c.Output == "json" {
		format, schema := open.Formats()
		return printJSON(env.stdout, programVersion{version, commit, date, runtime.Version(), runtime.GOOS, runtime.GOARCH, format, schema})
	}
	_, err := fmt.Fprintln(env.stdout, versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("rollcall %s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
