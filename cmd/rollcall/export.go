package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/exporter"
	"rollcall/internal/progress"
)

// exportCmd writes all accounts of an app into a file.
type exportCmd struct {
	connection      `group:"connection"`
	File            string   `arg:"" optional:"" name:"file" help:"File to write; - or none is standard output."`
	From            string   `placeholder:"URL" given:"an address such as https://rollcall.example.com" help:"The server to export from (default: --url, or the context)."`
	App             uint32   `placeholder:"SDKAPPID" given:"" help:"The app (default: --sdkappid, or the context)."`
	Format          string   `enum:",ndjson,csv,tsv" default:"" placeholder:"FORMAT" help:"ndjson, csv or tsv (default: what the ending of the file says, otherwise ndjson)."`
	Compress        string   `enum:",gzip,zstd,none" default:"" placeholder:"WAY" help:"gzip, zstd or none (default: what the ending of the file says, .gz or .zst)."`
	Prefix          string   `placeholder:"TEXT" help:"Only ids that start with it."`
	Deleted         bool     `help:"Also the ids of deleted accounts, with the time."`
	Details         bool     `help:"Also internal ids, and the times of creation, change and kick."`
	Columns         []string `placeholder:"TAG" help:"Profile tags that a table has columns for; 'none' for none (default: every tag of the app)."`
	BOM             bool     `name:"bom" help:"Begin a table with the mark by which Excel knows UTF-8."`
	SpreadsheetSafe bool     `help:"Put a ' before cells of a table that a spreadsheet would take for a formula, those that begin with = + - @, a tab or a carriage return. Such cells are changed: an import gets them with the '."`
	Force           bool     `help:"Replace the file if it exists."`
	Quiet           bool     `help:"Show no progress."`
}

// Help is shown by rollcall export --help.
func (exportCmd) Help() string {
	return `The accounts are those of one moment, in the byte order of their ids, whatever
changes meanwhile. The server goes on answering; until the end of the export it
keeps the data of that moment on its disk, and about 130 MB in memory at most.

NDJSON has an object in each line, with userid, nick, face_url and, if any are set,
the other tags as profile. A table has the columns userid, nick and face_url, and one
for every tag of the app, so that nothing is lost; --columns names fewer. "rollcall
import" reads all of these. Internal ids and times are the target's own: an import
leaves them out. It rejects the lines of --deleted, because it deletes nothing.

A file gets its name when it is whole: an export that fails leaves the file as it
was. It is readable by you alone. The command needs an admin token.

Examples:
  rollcall export accounts.ndjson
  rollcall export accounts.csv.gz
  rollcall export accounts.csv --bom --columns none
  rollcall export --prefix al | head
  rollcall export backup.ndjson.zst --deleted --details --force`
}

// An exportSummary is what an export says at its end.
type exportSummary struct {
	App     uint32 `json:"sdkappid"`
	File    string `json:"file,omitempty"`
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"` // of the file, compressed
	TookMS  int64  `json:"took_ms"`
	Rate    int64  `json:"rows_per_second"`
	Changed int64  `json:"changed_cells,omitempty"` // by --spreadsheet-safe
	Left    int64  `json:"left_out,omitempty"`      // values of tags without a column
}

func (c *exportCmd) Run(ctx context.Context, env *environment) error {
	if err := c.settle(); err != nil {
		return err
	}
	api, app, err := c.adminApp(env)
	if err != nil {
		return err
	}
	r := &exportRun{exportCmd: c, env: env, api: api, app: app}
	if r.table, err = c.tableOptions(ctx, api, app); err != nil {
		return err
	}
	start := time.Now()
	s, err := r.write(ctx)
	switch {
	case err == nil:
		return c.summarize(env, s, time.Since(start))
	case ctx.Err() != nil && c.toStdout():
		return errors.New("interrupted: the export is not whole")
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: nothing was written to %s", c.File)
	}
	return err
}

// write writes the export to the file or to standard output.
func (c *exportRun) write(ctx context.Context) (*exportSummary, error) {
	if c.toStdout() {
		return c.export(ctx, c.env.stdout)
	}
	f, err := exporter.Create(c.File, c.Force)
	if errors.Is(err, os.ErrExist) {
		return nil, &usageError{err}
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be created: %w", c.File, fileReason(err))
	}
	defer f.Abort()
	s, err := c.export(ctx, f)
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		return nil, fmt.Errorf("%w; nothing was written to %s", withoutPath(err), c.File)
	}
	return s, nil
}

// fileReason returns err without the name of the temporary file.
func fileReason(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// withoutPath removes the name of the temporary file from an error.
func withoutPath(err error) error {
	if reason := fileReason(err); reason != err {
		return fmt.Errorf("the file cannot be written: %w", reason)
	}
	return err
}

func (c *exportCmd) toStdout() bool { return c.File == "" || c.File == "-" }

// settle checks the flags and fills in what the name of the file says.
func (c *exportCmd) settle() error {
	c.URL, c.SDKAppID = cmp.Or(c.From, c.URL), cmp.Or(c.App, c.SDKAppID)
	if c.Compress == "" {
		c.Compress = exporter.CompressionOf(c.File)
	} else if c.Compress == "none" {
		c.Compress = ""
	}
	if c.Format == "" {
		c.Format = formatOfName(c.File)
	}
	tables := c.BOM || c.SpreadsheetSafe || len(c.Columns) > 0
	switch {
	case len(c.Prefix) > account.MaxUserIDBytes:
		return &usageError{fmt.Errorf("--prefix has %d bytes: an id has %d at most", len(c.Prefix), account.MaxUserIDBytes)}
	case c.File != "" && otherCompression.MatchString(c.File):
		return &usageError{fmt.Errorf("%s asks for a compression that an export does not have: name a file that ends with .gz or .zst", c.File)}
	case c.Format == "xlsx":
		return &usageError{errors.New("a workbook cannot be written: write a .csv with --bom, which Excel opens")}
	case c.Format == "ndjson" && tables:
		return &usageError{errors.New("--bom, --spreadsheet-safe and --columns are for tables: add --format csv, or name a file .csv")}
	case slices.Contains(c.Columns, "none") && len(c.Columns) > 1:
		return &usageError{errors.New("--columns none is for no tag: leave the others out")}
	}
	return nil
}

// otherCompression matches the names of files in compressions that an export does not have.
var otherCompression = regexp.MustCompile(`(?i)\.(bz2|xz|lz4|lzma|br|zip|7z|rar|tgz)$`)

// formatOfName returns the format that the name of a file asks for.
func formatOfName(name string) string {
	for _, ending := range []string{".gz", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, ending)
	}
	for _, format := range []string{"csv", "tsv", "xlsx"} {
		if strings.HasSuffix(strings.ToLower(name), "."+format) {
			return format
		}
	}
	return "ndjson"
}

// tableOptions returns the form of the table, or nil for NDJSON.
func (c *exportCmd) tableOptions(ctx context.Context, api *client.AdminClient, app uint32) (*exporter.TableOptions, error) {
	if c.Format == "ndjson" {
		return nil, nil
	}
	o := &exporter.TableOptions{Comma: ',', BOM: c.BOM, Safe: c.SpreadsheetSafe, Details: c.Details, Deleted: c.Deleted}
	if c.Format == "tsv" {
		o.Comma = '\t'
	}
	found, err := api.App(ctx, app)
	if err != nil {
		return nil, err
	}
	for _, tag := range client.StandardTags() {
		if tag != client.TagNick && tag != client.TagImage {
			o.Tags = append(o.Tags, tag)
		}
	}
	for _, custom := range found.Settings.CustomTags {
		o.Tags = append(o.Tags, string(custom.Tag()))
		if custom.Number {
			o.Numbers = append(o.Numbers, string(custom.Tag()))
		}
	}
	if len(c.Columns) == 0 {
		return o, nil
	}
	known := o.Tags
	o.Tags, o.Others = nil, true
	for _, tag := range c.Columns {
		switch {
		case tag == "none":
		case !slices.Contains(known, tag):
			return nil, &usageError{fmt.Errorf("--columns %s: the app has no such tag; it has %s", tag, strings.Join(known, ", "))}
		default:
			o.Tags = append(o.Tags, tag)
		}
	}
	return o, nil
}

// An exportRun is one run of the command.
type exportRun struct {
	*exportCmd
	env   *environment
	api   *client.AdminClient
	app   uint32
	table *exporter.TableOptions // nil for NDJSON
}

// export writes the export to w.
func (c *exportRun) export(ctx context.Context, w io.Writer) (*exportSummary, error) {
	env := c.env
	from, err := c.api.Export(ctx, c.app, client.ExportQuery{Prefix: c.Prefix, Deleted: c.Deleted, Details: c.Details})
	if err != nil {
		return nil, err
	}
	defer from.Close()
	bar := progress.New(env.stderr, progress.Options{Verb: "exporting", Unit: "rows", Terminal: isTerminal(env.stderr), Quiet: c.Quiet || c.toStdout() && isTerminal(env.stdout)})
	counted := &counter{w: w}
	s := &exportSummary{App: c.app}
	err = c.copy(&watched{from, bar}, counted, s)
	bar.Close()
	s.Rows, s.Bytes = from.Rows(), counted.n
	return s, err
}

// copy writes what from reads, in the format and with the compression of c.
func (c *exportRun) copy(from io.Reader, to io.Writer, s *exportSummary) error {
	if c.Compress == "" && c.toStdout() && isTerminal(c.env.stdout) {
		to = &terminalWriter{w: to}
	}
	z, err := exporter.Compress(to, c.Compress)
	if err != nil {
		return err
	}
	if c.table == nil {
		err = copyLines(z, from)
	} else {
		err = copyTable(z, from, *c.table, s)
	}
	return errors.Join(err, z.Close())
}

// copyLines copies NDJSON as it is. It reads and writes in turns: a copy of bytes takes
// less time than a second goroutine saves.
func copyLines(to io.Writer, from io.Reader) error {
	b := make([]byte, 256<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// copyTable writes the rows of from as a table.
func copyTable(to io.Writer, from io.Reader, o exporter.TableOptions, s *exportSummary) error {
	t, err := exporter.NewTable(to, o)
	if err != nil {
		return err
	}
	rows := exporter.NewRows(from)
	for {
		row, err := rows.Next()
		if err == io.EOF {
			s.Changed, s.Left = t.Changed, t.Left
			return t.Flush()
		}
		if err == nil {
			err = t.Write(row)
		}
		if err != nil {
			return err
		}
	}
}

// summarize prints the summary: on standard output if the export is in a file, and
// otherwise on standard error.
func (c *exportCmd) summarize(env *environment, s *exportSummary, took time.Duration) error {
	s.TookMS, s.Rate = took.Milliseconds(), int64(float64(s.Rows)/max(took.Seconds(), 1e-3))
	if !c.toStdout() {
		s.File = c.File
	}
	if c.Output == "json" && !c.toStdout() {
		return printJSON(env.stdout, s)
	}
	w := env.stdout
	if c.toStdout() {
		w = env.stderr
	}
	text := fmt.Sprintf("exported %s of app %d", counted(s.Rows, "row"), s.App)
	if s.File != "" {
		text += " to " + clean(s.File)
	}
	fmt.Fprintf(w, "%s in %s: %s rows/s, %s\n", text, progress.Duration(took), progress.Count(s.Rate), megabytes(s.Bytes))
	if s.Changed > 0 {
		fmt.Fprintf(env.stderr, "%s changed by --spreadsheet-safe: an import gets them with the '\n", counted(s.Changed, "cell"))
	}
	if s.Left > 0 {
		fmt.Fprintf(env.stderr, "%s left out: their tags are not among --columns\n", counted(s.Left, "value"))
	}
	return nil
}

func megabytes(n int64) string {
	if n < 10_000_000 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// A watched reader shows the progress of an export.
type watched struct {
	*client.ExportReader
	bar *progress.Bar
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ExportReader.Read(p)
	w.bar.Set(progress.State{Rows: w.Rows()})
	return n, err
}

// A counter counts the bytes that it writes.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// A terminalWriter writes lines to a terminal, without characters that control it.
type terminalWriter struct {
	w    io.Writer
	line []byte // the part of a line that has no end yet
}

func (t *terminalWriter) Write(p []byte) (int, error) {
	t.line = append(t.line, p...)
	end := bytes.LastIndexByte(t.line, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	cells := strings.Split(strings.ReplaceAll(string(t.line[:end]), "\r\n", "\n"), "\t")
	for i, cell := range cells {
		cells[i] = escapeControls(cell)
	}
	_, err := io.WriteString(t.w, strings.Join(cells, "\t"))
	t.line = append(t.line[:0], t.line[end:]...)
	return len(p), err
}
