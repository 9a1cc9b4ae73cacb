package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"reflect"
	"slices"
	"time"

	"rollcall/client"
	"rollcall/internal/importer"
	"rollcall/internal/source"
)

type accountImportCmd struct {
	UserIDs   []string          `arg:"" optional:"" name:"userid" help:"Ids to import."`
	Nick      string            `placeholder:"TEXT" help:"Nick of the one id."`
	FaceURL   string            `name:"face-url" placeholder:"URL" help:"Picture of the one id."`
	File      []string          `placeholder:"FILE" sep:"none" help:"File of accounts, or a pattern of files; - reads standard input; may be repeated."`
	Format    string            `enum:",csv,tsv,ndjson,json,ids,xlsx" default:"" placeholder:"FORMAT" help:"csv, tsv, ndjson, json, ids or xlsx (default: what the content is; never ids)."`
	Encoding  string            `enum:",utf-8,utf-16le,utf-16be,gbk,gb18030,big5,shift_jis,euc-kr,windows-1252" default:"" placeholder:"NAME" help:"Encoding of a text without a mark of it, such as gbk (default: utf-8)."`
	Delimiter string            `placeholder:"CHARACTER" help:"What is between the columns of a table: a character, or tab (default: what the header has)."`
	Sheet     string            `placeholder:"NAME" help:"Sheet of a workbook (default: the first)."`
	Map       map[string]string `placeholder:"COLUMN=FIELD" mapsep:"none" help:"Column or key that has the userid, nick or face_url; may be repeated."`
	Ignore    []string          `placeholder:"COLUMN" help:"Columns or keys to leave out; may be repeated."`
	Template  bool              `help:"Print an empty table to fill in, and import nothing."`
	InFlight  int               `default:"4" placeholder:"N" help:"Calls of 100 accounts at once (default: ${default})."`
}

// Help is shown by rollcall account import --help.
func (accountImportCmd) Help() string {
	return `A file is a table (CSV, TSV, or a sheet of an .xlsx workbook) whose first line names
the columns, JSON with an object in each line, or JSON as the vendor's API takes it:
an array of objects, or bodies of account_import and multiaccount_import. What it is
shows in its content, and so do gzip and zstd. A list with one id in a line is read
only with --format ids, because any text looks like one.

Columns and keys are userid, nick and face_url, or the names of the vendor's API and
console: UserID, Nick, FaceUrl; 用户名, 昵称, 头像. Name others with --map, or leave them
out with --ignore; otherwise the file is refused. Text is UTF-8, has a mark of UTF-16
at its beginning, or is named by --encoding.

A file may be of any length, and a record has 64 KiB at most. Several files are
imported in their order, after a look at the beginning of each.

Existing accounts are updated; empty or missing fields keep their value. You can
therefore run an import again. If it stops, it prints the line to restart from.

Exit code 3: some were rejected; each is listed with its line and the reason.

Examples:
  rollcall account import alice --nick Alice --face-url https://example.com/a.png
  rollcall account import alice bob carol
  rollcall account import --template > accounts.csv
  rollcall account import --file accounts.csv
  rollcall account import --file members.csv --encoding gbk --map 会员号=userid --ignore 电话
  rollcall account import --file 'users-*.ndjson.gz' --file more.xlsx --sheet Members
  rollcall account import --file ids.txt --format ids
  psql --csv -c 'SELECT userid, nick FROM users' | rollcall account import --file -`
}

func (c *accountImportCmd) check() error {
	switch {
	case c.Template && (len(c.UserIDs) > 0 || len(c.File) > 0):
		return &usageError{errors.New("--template imports nothing: give it without ids and --file")}
	case c.Template:
		return nil
	case slices.Contains(c.File, ""):
		return &usageError{errors.New("--file is empty: give the name of a file")}
	case (len(c.UserIDs) == 0) == (len(c.File) == 0):
		return &usageError{errors.New("give either ids or --file")}
	case len(c.File) == 0 && !reflect.ValueOf(c.options()).IsZero():
		return &usageError{errors.New("--format, --encoding, --delimiter, --sheet, --map and --ignore are for files: give one with --file")}
	case (c.Nick != "" || c.FaceURL != "") && len(c.UserIDs) != 1:
		return &usageError{errors.New("--nick and --face-url are for one id; a file can have them for many")}
	case c.InFlight < 1 || c.InFlight > maxInFlight:
		return &usageError{fmt.Errorf("--in-flight is %d; it can be 1 to %d", c.InFlight, maxInFlight)}
	case len(c.Delimiter) > 1 && c.Delimiter != "tab":
		return &usageError{fmt.Errorf("--delimiter is %q: give one character of ASCII, or tab", c.Delimiter)}
	}
	if err := c.options().Check(); err != nil {
		return &usageError{err}
	}
	return nil
}

// options returns what the flags say about files.
func (c *accountImportCmd) options() source.Options {
	o := source.Options{Format: source.Format(c.Format), Encoding: c.Encoding, Sheet: c.Sheet, Map: c.Map, Ignore: c.Ignore}
	if c.Delimiter == "tab" {
		o.Delimiter = '\t'
	} else if c.Delimiter != "" {
		o.Delimiter = c.Delimiter[0]
	}
	return o
}

func (c *accountImportCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Template {
		_, err := io.WriteString(env.stdout, source.Template)
		return err
	}
	api, err := g.account(ctx, env)
	if err != nil {
		return err
	}
	rows, err := c.rows(env.stdin)
	if err != nil {
		return err
	}
	g.target(env, g.SDKAppID)
	im := newImporting(importer.Importer{Import: api.ImportAccounts, InFlight: c.InFlight}, terminal(env.stderr))
	return im.report(env, g.Output, im.Rejections(ctx, rows))
}

// rows returns the accounts to import.
func (c *accountImportCmd) rows(stdin io.Reader) (iter.Seq2[importer.Row, error], error) {
	if len(c.File) == 0 {
		return c.arguments(), nil
	}
	files, err := source.Expand(c.File)
	if err != nil {
		return nil, err
	}
	if len(files) > 1 {
		if err := source.Try(files, c.options()); err != nil {
			return nil, err
		}
	}
	return importer.Rows(source.Read(files, stdin, c.options())), nil
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
		file := ""
		if r.File != "" {
			file = clean(r.File) + ": "
		}
		fmt.Fprintf(w, "%sline %d: %s%s\n", file, r.Line, named(r.UserID), clean(why))
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
