package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"rollcall/internal/source"
)

// importCmd imports accounts from files.
type importCmd struct {
	connection `group:"connection"`
	Files      []string      `arg:"" optional:"" name:"file" help:"Files of accounts, or patterns of files; - reads standard input."`
	To         string        `placeholder:"TARGET" given:"an address such as https://rollcall.example.com, or tencent:singapore" help:"Where to import: the address of a Rollcall, or tencent: and a data centre of the vendor, such as tencent:singapore (default: --url, or the context)."`
	App        uint32        `placeholder:"SDKAPPID" given:"" help:"The app (default: --sdkappid, or the context)."`
	DryRun     bool          `help:"Check the files, and import nothing."`
	Verify     bool          `help:"Ask for every id afterwards whether it is there."`
	Rejects    string        `placeholder:"FILE" given:"the name of a file" help:"File for the rejected rows, with the reasons (default: beside the first file, with .rejects before its ending)."`
	Journal    string        `placeholder:"FILE" given:"the name of a file" help:"File in which the run keeps how far it is (default: the first file with .rollcall-journal after its name)."`
	Restart    bool          `help:"Begin anew, although a journal says how far an earlier run came."`
	Wait       time.Duration `default:"1h" placeholder:"DURATION" help:"How long to wait for a target that is away (default: ${default})."`
	Rate       float64       `placeholder:"N" given:"a number above 0" help:"Most calls a second (default: 90 % of what the app or the vendor allows)."`
	InFlight   int           `default:"4" placeholder:"N" help:"Calls of 100 accounts at once (default: ${default})."`
	Via        string        `enum:"auto,wire,stream" default:"auto" placeholder:"WAY" help:"wire: calls of the account API; stream: one long request to the admin API of a Rollcall; auto: the stream where there is one (default: ${default})."`
	Quiet      bool          `help:"Show no progress."`
	Template   bool          `help:"Print an empty table to fill in, and import nothing."`
	sourceFlags
}

// Help is shown by rollcall import --help.
func (importCmd) Help() string {
	return `Examples:
  rollcall import accounts.csv`
}

// maxInFlight is the largest number of calls that a command makes at once.
const maxInFlight = 64

func (c *importCmd) check() error {
	switch {
	case c.Template && len(c.Files) > 0:
		return &usageError{errors.New("--template imports nothing: give it without files")}
	case c.Template:
		return nil
	case len(c.Files) == 0:
		return &usageError{errors.New("no file: name the files to import, or - for standard input")}
	case slices.Contains(c.Files, ""):
		return &usageError{errors.New("the name of a file is empty: give the name of a file")}
	case c.InFlight < 1 || c.InFlight > maxInFlight:
		return &usageError{fmt.Errorf("--in-flight is %d; it can be 1 to %d", c.InFlight, maxInFlight)}
	}
	_, err := c.options()
	return err
}

func (c *importCmd) Run(ctx context.Context, env *environment) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Template {
		_, err := io.WriteString(env.stdout, source.Template)
		return err
	}
	t, err := c.resolve(ctx, env, c.DryRun)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.dryRun(ctx, env, t)
	}
	return errors.New("not yet")
}
