package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"rollcall/client"
	"rollcall/internal/importer"
)

// maxInFlight is the largest number of calls that a command makes at once.
const maxInFlight = 64

type accountImportCmd struct {
	UserIDs  []string `arg:"" optional:"" name:"userid" help:"Ids to import."`
	Nick     string   `placeholder:"TEXT" help:"Nick of the one id."`
	FaceURL  string   `name:"face-url" placeholder:"URL" help:"Picture of the one id."`
	File     string   `placeholder:"FILE" given:"" help:"File of accounts; - reads standard input."`
	InFlight int      `default:"4" placeholder:"N" help:"Calls of 100 accounts at once (default: ${default})."`
}

// Help is shown by rollcall account import --help.
func (accountImportCmd) Help() string {
	return `A file has one id in a line; or a JSON object in a line with the keys userid,
nick and face_url; or is CSV whose first line is userid,nick,face_url. The three
are told apart by the first line, and may be of any length.

Existing accounts are updated; empty or missing fields keep their value. You can
therefore run an import again. If it stops, it prints the line to restart from.

Exit code 3: some were rejected; each is listed with its line and the reason.

Examples:
  rollcall account import alice --nick Alice --face-url https://example.com/a.png
  rollcall account import alice bob carol
  rollcall account import --file accounts.csv
  jq -c '.[]' accounts.json | rollcall account import --file - --in-flight 8`
}

func (c *accountImportCmd) check() error {
	switch {
	case (len(c.UserIDs) == 0) == (c.File == ""):
		return &usageError{errors.New("give either ids or --file")}
	case (c.Nick != "" || c.FaceURL != "") && len(c.UserIDs) != 1:
		return &usageError{errors.New("--nick and --face-url are for one id; a file can have them for many")}
	case c.InFlight < 1 || c.InFlight > maxInFlight:
		return &usageError{fmt.Errorf("--in-flight is %d; it can be 1 to %d", c.InFlight, maxInFlight)}
	}
	return nil
}

func (c *accountImportCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	if err := c.check(); err != nil {
		return err
	}
	api, err := g.account(ctx, env)
	if err != nil {
		return err
	}
	rows, closeFile, err := c.rows(env.stdin)
	if err != nil {
		return err
	}
	defer closeFile()
	g.target(env, g.SDKAppID)
	im := newImporting(importer.Importer{Import: api.ImportAccounts, InFlight: c.InFlight}, terminal(env.stderr))
	return im.report(env, g.Output, im.Rejections(ctx, rows))
}

// rows returns the accounts to import.
func (c *accountImportCmd) rows(stdin io.Reader) (rows iter.Seq2[importer.Row, error], closeFile func(), err error) {
	if c.File == "" {
		return c.arguments(), func() {}, nil
	}
	if c.File == "-" {
		return importer.Read(stdin), func() {}, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, nil, fmt.Errorf("--file: %w", err)
	}
	return importer.Read(f), func() { _ = f.Close() }, nil // it was only read
}

func (c *accountImportCmd) arguments() iter.Seq2[importer.Row, error] {
	return func(yield func(importer.Row, error) bool) {
		for i, id := range c.UserIDs {
			if !yield(importer.NewRow(i+1, client.Account{UserID: id, Nick: c.Nick, FaceURL: c.FaceURL}), nil) {
				return
			}
		}
	}
}

// An importing is an import that shows its progress and prints its rejections.
type importing struct {
	importer.Importer
	progress io.Writer // nil for none
	start    time.Time
}

func newImporting(im importer.Importer, progress io.Writer) *importing {
	m := &importing{im, progress, time.Now()}
	m.Judged = m.showProgress
	return m
}

// report prints the rejections as they arrive, then the counts.
func (im *importing) report(env *environment, form string, rejections iter.Seq2[importer.Rejection, error]) error {
	var err error
	if form == "json" {
		err = im.reportJSON(env.stdout, rejections)
	} else {
		err = im.reportText(env.stdout, rejections)
	}
	if err == nil && im.Failed > 0 {
		return errSomeFailed
	}
	return err
}

func (im *importing) reportText(w io.Writer, rejections iter.Seq2[importer.Rejection, error]) error {
	var failure error
	for r, err := range rejections {
		if err != nil {
			failure = err
			break
		}
		im.clearProgress()
		why := r.Reason
		if r.Code != 0 {
			why = reason(r.Code, r.Reason)
		}
		fmt.Fprintf(w, "line %d: %s%s\n", r.Line, named(r.UserID), clean(why))
	}
	im.clearProgress()
	fmt.Fprintf(w, "imported %d, failed %d\n", im.Done, im.Failed)
	return failure
}

// named returns the id of a line, with a colon, as the beginning of a rejection. It
// returns "" if no id could be read from the line.
func named(userID string) string {
	if userID == "" {
		return ""
	}
	return clean(userID) + ": "
}

func (im *importing) reportJSON(w io.Writer, rejections iter.Seq2[importer.Rejection, error]) error {
	var failure error
	separator := "{\"rejected\": [\n  "
	for r, err := range rejections {
		if err != nil {
			failure = err
			break
		}
		if err := printItem(w, separator, r); err != nil {
			return err
		}
		separator = ",\n  "
	}
	im.clearProgress()
	end := "\n],"
	if separator[0] == '{' {
		end = "{\"rejected\": [],"
	}
	_, err := fmt.Fprintf(w, "%s \"imported\": %d, \"failed\": %d}\n", end, im.Done, im.Failed)
	return errors.Join(failure, err)
}

// showProgress overwrites the previous counts on the terminal.
func (im *importing) showProgress() {
	if im.progress != nil {
		rate := float64(im.Done+im.Failed) / max(time.Since(im.start).Seconds(), 1e-3)
		fmt.Fprintf(im.progress, "\r\x1b[Kimported %d, failed %d, %.0f/s", im.Done, im.Failed, rate)
	}
}

func (im *importing) clearProgress() {
	if im.progress != nil {
		fmt.Fprint(im.progress, "\r\x1b[K")
	}
}

// terminal returns w if it is a terminal that can overwrite a line, otherwise nil.
func terminal(w io.Writer) io.Writer {
	if isTerminal(w) && os.Getenv("TERM") != "" {
		return w
	}
	return nil
}
