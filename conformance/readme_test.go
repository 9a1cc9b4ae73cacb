package conformance

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/wire"
)

// commandCell matches the first cell of a row in the table of commands of a README, or
// one of the names in it.
var commandCell = regexp.MustCompile("`([A-Za-z_]+/[A-Za-z_]+)`")

// TestReadmeCommands compares the tables of commands in the READMEs with the commands of
// the server.
func TestReadmeCommands(t *testing.T) {
	var want []string
	for _, c := range wire.Commands {
		want = append(want, c.Service+"/"+c.Name)
	}
	for _, file := range []string{"../README.md", "../README.zh-CN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		_, table, _ := strings.Cut(string(text), "\n|---|---|\n")
		table, _, _ = strings.Cut(table, "\n\n")
		for _, m := range commandCell.FindAllStringSubmatch(table, -1) {
			got = append(got, m[1])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (+) and wire.Commands (-):\n%s", file, diff)
		}
	}
}
