package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rollcall/client"
)

// jobCmd works on bulk imports, which are jobs of the server or streams of clients.
type jobCmd struct {
	connection `group:"connection"`
	List       jobListCmd    `cmd:"" help:"List the imports of an app."`
	Show       jobShowCmd    `cmd:"" help:"Show how far an import is."`
	Create     jobCreateCmd  `cmd:"" help:"Let the server import a file."`
	Pause      jobPauseCmd   `cmd:"" help:"Stop an import until it is resumed."`
	Resume     jobResumeCmd  `cmd:"" help:"Let a paused import go on."`
	Cancel     jobCancelCmd  `cmd:"" help:"End an import; what is imported stays."`
	Rate       jobRateCmd    `cmd:"" help:"Limit the rows per second of an import."`
	Rejects    jobRejectsCmd `cmd:"" help:"List the rows that were not imported, and why."`
}

// A jobArgument names an import.
type jobArgument struct {
	Key string `arg:"" live:"jobs" name:"key" given:"" help:"Key of the import, as job list shows it."`
}

// printImport prints one import.
func (g *jobCmd) printImport(env *environment, i *client.Import, err error) error {
	if err != nil {
		return err
	}
	ps := []property{
		{"key", i.Key},
		{"state", i.State},
		{"file", i.File},
		{"node", i.Node},
		{"error", i.Error},
		{"rows", strconv.FormatInt(i.Row, 10)},
		{"imported", strconv.FormatInt(i.Imported, 10)},
		{"new accounts", strconv.FormatInt(i.Created, 10)},
		{"rejected", strconv.FormatInt(i.Failed, 10)},
		{"skipped", strconv.FormatInt(i.Skipped, 10)},
		{"rate", rateText(i.Rate)},
		{"speed", speed(i)},
		{"progress", progressOf(i)},
		{"actor", i.Actor},
		{"created", moment(i.CreatedAt)},
		{"updated", moment(i.UpdatedAt)},
		{"ended", moment(i.FinishedAt)},
	}
	given := ps[:0]
	for _, p := range ps {
		if p.value != "" {
			given = append(given, p)
		}
	}
	return printThing(env.stdout, g.Output, i, given)
}

func rateText(rate int64) string {
	if rate == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d rows/s at most", rate)
}

func speed(i *client.Import) string {
	if i.RowsPerSecond == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f rows/s", i.RowsPerSecond)
}

// progressOf returns how much of the file of a job is done.
func progressOf(i *client.Import) string {
	if i.Percent == 0 {
		return ""
	}
	text := fmt.Sprintf("%.1f %%", i.Percent)
	if i.ETASeconds > 0 {
		text += fmt.Sprintf(", %v left", time.Duration(i.ETASeconds)*time.Second)
	}
	return text
}

type jobListCmd struct{}

// Help is shown by rollcall job list --help.
func (jobListCmd) Help() string {
	return `The server keeps an import for seven days after its end. The command needs an admin token.

Examples:
  rollcall job list
  rollcall job list --output json`
}

func (jobListCmd) Run(ctx context.Context, env *environment, g *jobCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	count := func(n func(*client.Import) int64) func(*client.Import) string {
		return func(i *client.Import) string { return strconv.FormatInt(n(i), 10) }
	}
	return printList(env.stdout, g.Output, api.Imports(ctx, app), []column[*client.Import]{
		{"KEY", func(i *client.Import) string { return i.Key }},
		{"STATE", func(i *client.Import) string { return i.State }},
		{"ROWS", count(func(i *client.Import) int64 { return i.Row })},
		{"IMPORTED", count(func(i *client.Import) int64 { return i.Imported })},
		{"REJECTED", count(func(i *client.Import) int64 { return i.Failed })},
		{"SKIPPED", count(func(i *client.Import) int64 { return i.Skipped })},
		{"PROGRESS", func(i *client.Import) string { return progressOf(i) }},
		{"CREATED", func(i *client.Import) string { return moment(i.CreatedAt) }},
		{"FILE", func(i *client.Import) string { return i.File }},
	})
}

type jobShowCmd struct{ jobArgument }

// Help is shown by rollcall job show --help.
func (jobShowCmd) Help() string {
	return `The command needs an admin token.

Examples:
  rollcall job show monday`
}

func (c *jobShowCmd) Run(ctx context.Context, env *environment, g *jobCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	i, err := api.Import(ctx, app, c.Key)
	return g.printImport(env, i, err)
}

type jobCreateCmd struct {
	File       string `arg:"" optional:"" name:"file" help:"File to upload; - reads standard input."`
	ServerFile string `placeholder:"PATH" given:"a path below the server's --import-dir" help:"File of the server instead, below the directory of its --import-dir."`
	Key        string `placeholder:"KEY" given:"1 to 64 letters, digits, -, _ and ." help:"Key of the job (default: the server makes one)."`
	sourceFlags
}

// Help is shown by rollcall job create --help.
func (jobCreateCmd) Help() string {
	return `The server imports the file by itself, after the jobs before it. The job goes on after a
restart of the server. To wait for the end, use "rollcall import" instead, which sends the
rows itself. The command needs an admin token with the scope write.

Examples:
  rollcall job create accounts.csv
  rollcall job create accounts.csv.gz --key monday
  rollcall job create --server-file 2026/accounts.xlsx --sheet Users --map Name=nick`
}

func (c *jobCreateCmd) Run(ctx context.Context, env *environment, g *jobCmd) error {
	if (c.File == "") == (c.ServerFile == "") {
		return &usageError{errors.New("name either a file to upload, or a file of the server with --server-file")}
	}
	if _, err := c.options(); err != nil {
		return err
	}
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	g.target(env, app)
	n := client.NewImport{
		Key: c.Key, File: c.ServerFile, Format: c.Format, Encoding: c.Encoding, Delimiter: c.Delimiter, Sheet: c.Sheet, Map: c.Map, Ignore: c.Ignore,
	}
	if c.ServerFile != "" {
		i, err := api.CreateImport(ctx, app, n)
		return g.printImport(env, i, err)
	}
	content, name, err := c.open(env)
	if err != nil {
		return err
	}
	defer content.Close() // it was only read
	n.File, n.Key = name, cmp.Or(c.Key, strings.ToLower(rand.Text()))
	i, err := api.UploadImport(ctx, app, n, content)
	return g.printImport(env, i, err)
}

// open opens the file to upload.
func (c *jobCreateCmd) open(env *environment) (content io.ReadCloser, name string, err error) {
	if c.File == "-" {
		return io.NopCloser(env.stdin), "standard input", nil
	}
	if info, err := os.Stat(c.File); err == nil && info.IsDir() {
		return nil, "", fmt.Errorf("%s is a directory: name a file", c.File)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, "", err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close() // it was only read
		return nil, "", fmt.Errorf("%s is a directory: name a file", c.File)
	}
	return f, filepath.Base(c.File), nil
}

type jobPauseCmd struct{ jobArgument }

// Help is shown by rollcall job pause --help.
func (jobPauseCmd) Help() string {
	return `A stream takes no more rows until then, and its client waits. The command needs an admin token with
the scope write.

Examples:
  rollcall job pause monday`
}

func (c *jobPauseCmd) Run(ctx context.Context, env *environment, g *jobCmd) error {
	return g.change(env, func(api *client.AdminClient, app uint32) (*client.Import, error) {
		return api.PauseImport(ctx, app, c.Key)
	})
}

type jobResumeCmd struct{ jobArgument }

// Help is shown by rollcall job resume --help.
func (jobResumeCmd) Help() string {
	return `The command needs an admin token with the scope write.

Examples:
  rollcall job resume monday`
}

func (c *jobResumeCmd) Run(ctx context.Context, env *environment, g *jobCmd) error {
	return g.change(env, func(api *client.AdminClient, app uint32) (*client.Import, error) {
		return api.ResumeImport(ctx, app, c.Key)
	})
}

type jobCancelCmd struct{ jobArgument }

// Help is shown by rollcall job cancel --help.
func (jobCancelCmd) Help() string {
	return `A canceled import cannot go on. The command needs an admin token with the scope write.

Examples:
  rollcall job cancel monday`
}

func (c *jobCancelCmd) Run(ctx context.Context, env *environment, g *jobCmd) error {
	return g.change(env, func(api *client.AdminClient, app uint32) (*client.Import, error) {
		return api.CancelImport(ctx, app, c.Key)
	})
}

type jobRateCmd struct {
	jobArgument
	Rate int64 `arg:"" name:"rate" help:"Most rows per second; 0 for no limit."`
}

// Help is shown by rollcall job rate --help.
func (jobRateCmd) Help() string {
	return `The limit applies at once, also to a stream. The command needs an admin token with the scope write.

Examples:
  rollcall job rate monday 5000
  rollcall job rate monday 0`
}

func (c *jobRateCmd) Run(ctx context.Context, env *environment, g *jobCmd) error {
	return g.change(env, func(api *client.AdminClient, app uint32) (*client.Import, error) {
		return api.SetImportRate(ctx, app, c.Key, c.Rate)
	})
}

// change changes an import and prints it.
func (g *jobCmd) change(env *environment, call func(*client.AdminClient, uint32) (*client.Import, error)) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	g.target(env, app)
	i, err := call(api, app)
	return g.printImport(env, i, err)
}

type jobRejectsCmd struct {
	jobArgument
	After int64 `placeholder:"ROW" help:"Only rows after this one."`
}

// Help is shown by rollcall job rejects --help.
func (jobRejectsCmd) Help() string {
	return `ROW counts the records of the file, LINE is where one begins. CODE is the error code of
account_import, 0 if the row is no account at all. The server keeps the first million
rejections of an import. The command needs an admin token.

Examples:
  rollcall job rejects monday
  rollcall job rejects monday --output json`
}

func (c *jobRejectsCmd) Run(ctx context.Context, env *environment, g *jobCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	return printList(env.stdout, g.Output, api.ImportRejected(ctx, app, c.Key, c.After), []column[*client.ImportRejection]{
		{"ROW", func(r *client.ImportRejection) string { return strconv.FormatInt(r.Row, 10) }},
		{"LINE", func(r *client.ImportRejection) string {
			if r.Line == 0 {
				return ""
			}
			return strconv.Itoa(r.Line)
		}},
		{"USERID", func(r *client.ImportRejection) string { return r.UserID }},
		{"CODE", func(r *client.ImportRejection) string { return strconv.Itoa(r.Code) }},
		{"REASON", func(r *client.ImportRejection) string { return r.Reason }},
	})
}
