package harness

import (
	"strings"

	"rollcall/bench/yard"
)

// newYardstick returns a yardstick that is a subcommand of this program.
func newYardstick(self, name, dir string, args ...string) *process {
	return &process{
		dir:   dir,
		args:  append([]string{self, name, "--dir", dir}, args...),
		keeps: !stateless(name),
		url:   func(line string) (string, bool) { return strings.CutPrefix(line, yard.Ready) },
	}
}
