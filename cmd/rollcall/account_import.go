package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"rollcall/client"
	"rollcall/internal/account"
)

// maxInFlight is the most calls that a command makes at once.
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

An account that exists gets the new nick and picture; what is empty or left out
stays. So an import can be repeated, and one that was stopped begins again at
the line that it named.

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

func (c *accountImportCmd) Run(env *environment, g *accountCmd) error {
	if err := c.check(); err != nil {
		return err
	}
	api, err := g.account(env)
	if err != nil {
		return err
	}
	rows, closeFile, err := c.rows(env.stdin)
	if err != nil {
		return err
	}
	defer closeFile()
	g.target(env, g.SDKAppID)
	im := &importing{importAccounts: api.ImportAccounts, inFlight: c.InFlight, progress: terminal(env.stderr), start: time.Now()}
	return im.report(env, g.Output, im.rejections(env.ctx, rows))
}

// rows returns the accounts to import.
func (c *accountImportCmd) rows(stdin io.Reader) (rows iter.Seq2[row, error], closeFile func(), err error) {
	if c.File == "" {
		return c.arguments(), func() {}, nil
	}
	if c.File == "-" {
		return readRows(stdin), func() {}, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, nil, fmt.Errorf("--file: %w", err)
	}
	return readRows(f), func() { _ = f.Close() }, nil // it was only read
}

func (c *accountImportCmd) arguments() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for i, id := range c.UserIDs {
			if !yield(newRow(i+1, client.Account{UserID: id, Nick: c.Nick, FaceURL: c.FaceURL}, nil), nil) {
				return
			}
		}
	}
}

// A rejection is an account that was not imported.
type rejection struct {
	Line   int         `json:"line"` // of the file, from 1; or which argument
	UserID string      `json:"userid"`
	Code   client.Code `json:"code,omitzero"` // 0: the line cannot be read
	Reason string      `json:"reason"`
}

// An importing sends accounts in batches, several at once, and tells what was
// rejected in the order of the lines.
type importing struct {
	importAccounts func(context.Context, []client.Account) ([]client.Result, error)
	inFlight       int
	progress       io.Writer // nil for none
	start          time.Time

	done, failed int
}

// A batch is some lines and, when its call has ended, what became of them.
type batch struct {
	rows    []row
	results []client.Result // of the rows without a fault, in their order
	err     error           // of the call, or of reading on after rows
	ended   chan struct{}
}

// rejections imports rows and iterates over what was rejected. After an error,
// which names the line to begin again at, it ends.
func (im *importing) rejections(ctx context.Context, rows iter.Seq2[row, error]) iter.Seq2[rejection, error] {
	return func(yield func(rejection, error) bool) {
		interrupted := ctx.Err
		ctx, cancel := context.WithCancel(ctx)
		batches := make(chan *batch, im.inFlight-1)
		var wg sync.WaitGroup
		wg.Go(func() { im.send(ctx, rows, batches) })
		defer wg.Wait()
		defer cancel()
		for b := range batches {
			<-b.ended
			if b.err != nil && b.results == nil {
				yield(rejection{}, stopped(b))
				return
			}
			if !im.judge(b, yield) {
				return
			}
			if b.err != nil {
				yield(rejection{}, b.err)
				return
			}
		}
		if err := interrupted(); err != nil {
			yield(rejection{}, err)
		}
	}
}

// stopped says at which line to begin again.
func stopped(b *batch) error {
	if len(b.rows) == 0 {
		return b.err
	}
	return fmt.Errorf("stopped: begin again at line %d: %w", b.rows[0].line, b.err)
}

// send cuts rows into batches, starts their calls, and hands them over in order.
// That batches is full holds it back.
func (im *importing) send(ctx context.Context, rows iter.Seq2[row, error], batches chan<- *batch) {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(batches)
	next := &batch{ended: make(chan struct{})}
	start := func() bool {
		b := next
		next = &batch{ended: make(chan struct{})}
		select {
		case batches <- b:
			wg.Go(func() { im.call(ctx, b) })
			return true
		case <-ctx.Done():
			return false
		}
	}
	for r, err := range rows {
		if err != nil {
			next.err = err
			break
		}
		next.rows = append(next.rows, r)
		if len(next.rows) == client.MaxBatch && !start() {
			return
		}
	}
	if len(next.rows) > 0 || next.err != nil {
		start()
	}
}

// call imports the rows of b.
func (im *importing) call(ctx context.Context, b *batch) {
	defer close(b.ended)
	accounts := make([]client.Account, 0, len(b.rows))
	for _, r := range b.rows {
		if r.fault == "" {
			accounts = append(accounts, r.account)
		}
	}
	b.results = []client.Result{}
	if len(accounts) == 0 {
		return
	}
	results, err := im.importAccounts(ctx, accounts)
	if err != nil {
		b.results, b.err = nil, err
		return
	}
	b.results = results
}

// judge counts the rows of b and yields the rejected ones.
func (im *importing) judge(b *batch, yield func(rejection, error) bool) bool {
	sent := 0
	for _, r := range b.rows {
		rejected := rejection{Line: r.line, UserID: r.account.UserID, Reason: r.fault}
		if r.fault == "" {
			result := b.results[sent]
			sent++
			rejected.Code, rejected.Reason = result.Code, whyRejected(result)
		}
		if rejected.Reason == "" && rejected.Code == 0 {
			im.done++
			continue
		}
		im.failed++
		if !yield(rejected, nil) {
			return false
		}
	}
	im.showProgress()
	return true
}

// whyRejected says why an account was not imported. The server of a batch tells
// codes alone, and one of them stands for all that can be wrong with an id.
func whyRejected(r client.Result) string {
	if r.Code != client.CodeBadParameter {
		return r.Info
	}
	for _, strict := range []bool{false, true} {
		if e, ok := errors.AsType[*account.Error](account.UserID(r.UserID).Validate(strict)); ok {
			return e.Detail
		}
	}
	return r.Info
}

// report prints the rejections as they come, and the counts.
func (im *importing) report(env *environment, form string, rejections iter.Seq2[rejection, error]) error {
	var err error
	if form == "json" {
		err = im.reportJSON(env.stdout, rejections)
	} else {
		err = im.reportText(env.stdout, rejections)
	}
	if err == nil && im.failed > 0 {
		return errSomeFailed
	}
	return err
}

func (im *importing) reportText(w io.Writer, rejections iter.Seq2[rejection, error]) error {
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
	fmt.Fprintf(w, "imported %d, failed %d\n", im.done, im.failed)
	return failure
}

// named writes the id of a line before what is said of it, or nothing if the line
// could not be read as far as that.
func named(userID string) string {
	if userID == "" {
		return ""
	}
	return clean(userID) + ": "
}

func (im *importing) reportJSON(w io.Writer, rejections iter.Seq2[rejection, error]) error {
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
	_, err := fmt.Fprintf(w, "%s \"imported\": %d, \"failed\": %d}\n", end, im.done, im.failed)
	return errors.Join(failure, err)
}

// showProgress writes the counts over the last ones.
func (im *importing) showProgress() {
	if im.progress != nil {
		rate := float64(im.done+im.failed) / max(time.Since(im.start).Seconds(), 1e-3)
		fmt.Fprintf(im.progress, "\r\x1b[Kimported %d, failed %d, %.0f/s", im.done, im.failed, rate)
	}
}

func (im *importing) clearProgress() {
	if im.progress != nil {
		fmt.Fprint(im.progress, "\r\x1b[K")
	}
}

// terminal returns w if it is one.
func terminal(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "" {
			return w
		}
	}
	return nil
}
