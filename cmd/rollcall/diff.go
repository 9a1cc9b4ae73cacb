package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/diff"
	"rollcall/internal/progress"
)

// diffCmd compares two directories of accounts.
type diffCmd struct {
	connection      `group:"connection"`
	A               string   `arg:"" name:"a" given:"a file, an address, context: or tencent:REGION" help:"A file, the address of a Rollcall, context: or context:FILE for that of a context file, or tencent: and a data centre of the vendor, such as tencent:singapore."`
	B               string   `arg:"" name:"b" given:"a file, an address, context: or tencent:REGION" help:"The other one."`
	AppA            uint32   `name:"app-a" placeholder:"SDKAPPID" given:"" help:"The app of A (default: --sdkappid, or the context)."`
	AppB            uint32   `name:"app-b" placeholder:"SDKAPPID" given:"" help:"The app of B (default: --sdkappid, or the context)."`
	AdminTokenFileA string   `name:"admin-token-file-a" placeholder:"FILE" given:"" help:"Token of the admin API of A (default: --admin-token-file, or the context)."`
	AdminTokenFileB string   `name:"admin-token-file-b" placeholder:"FILE" given:"" help:"Token of the admin API of B (default: --admin-token-file, or the context)."`
	Fields          []string `enum:"userid,nick,face_url,profile" placeholder:"FIELD" help:"What to compare: userid alone, or nick, face_url and profile (default: what both have)."`
	Rate            float64  `default:"90" placeholder:"N" given:"a number above 0" help:"Most calls of each command a second, to the vendor (default: ${default})."`
	Quiet           bool     `help:"Show no progress."`
	sourceFlags
}

// Help is shown by rollcall diff --help.
func (diffCmd) Help() string {
	return `Lines that begin with - are ids that only A has, with + those that only B has, and
with ~ those that are in both and differ:

  -alice
  +bob
  ~carol nick: "Caro" → "Carol"

A Rollcall is compared as it is at one moment. It needs an admin token: of --admin-token-file-a
and -b, or of the context file of its server. Files are those that "rollcall import" reads. Lines
of one id count as an import applies them: the last value that is not empty. A field that occurs
nowhere in a file is not compared, unless --fields names it. The vendor lists no accounts: it is
asked about each id of the other side, 9000 ids a second at most, and accounts that only it has
are not seen. It needs the key of the app (--key-file).

Exit code 0: equal, 3: different.

Examples:
  rollcall diff accounts.csv context:
  rollcall diff https://a.example.com https://b.example.com --sdkappid 1400000001 --admin-token-file-a a.token --admin-token-file-b b.token
  rollcall diff context: tencent:singapore --app-b 1400000002 --key-file key.txt --fields nick
  rollcall diff monday.ndjson.zst tuesday.ndjson.zst`
}

func (c *diffCmd) Run(ctx context.Context, env *environment) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.A == "-" && c.B == "-" {
		return &usageError{errors.New("the two sides are both standard input: give a file for one")}
	}
	a, err := c.side(c.A, c.AppA, c.AdminTokenFileA)
	if err != nil {
		return err
	}
	b, err := c.side(c.B, c.AppB, c.AdminTokenFileB)
	if err != nil {
		return err
	}
	if a.vendor && b.vendor {
		return &usageError{errors.New("the two sides are both of the vendor, which lists no accounts: give a file or a Rollcall for one")}
	}
	bar := progress.New(env.stderr, progress.Options{Verb: "comparing", Unit: "accounts", Terminal: isTerminal(env.stderr), Quiet: c.Quiet || isTerminal(env.stdout)})
	p := &diffPrinter{w: env.stdout, json: c.Output == "json", bar: bar}
	r := &diffRun{diffCmd: c, env: env, a: a, b: b, printer: p}
	err = r.compare(ctx)
	bar.Close()
	switch {
	case err == nil:
		return r.summarize()
	case ctx.Err() != nil:
		return errors.New("interrupted: A and B were not compared to their end")
	}
	return err
}

// A diffRun is one run of the command.
type diffRun struct {
	*diffCmd
	env        *environment
	a, b       *diffSide
	printer    *diffPrinter
	comparison diff.Comparison
}

// compare opens both sides and compares them.
func (r *diffRun) compare(ctx context.Context) error {
	sides := []*diffSide{r.a, r.b}
	if r.b.isFile { // it takes long to sort, and an export must not wait
		slices.Reverse(sides)
	}
	for _, s := range sides {
		if err := s.open(ctx, r.env); err != nil {
			return err
		}
		defer s.close()
	}
	r.comparison = diff.Comparison{Fields: r.fields(), Each: r.printer.print}
	for _, s := range []*diffSide{r.a, r.b} {
		s.report(r.env.stderr)
		if s.file != nil && len(r.Fields) == 0 {
			if left := absentFields(s.fields); left != "" {
				fmt.Fprintf(r.env.stderr, "%s has no %s: not compared\n", clean(s.name), left)
			}
		}
	}
	if r.a.vendor || r.b.vendor {
		return r.ask(ctx)
	}
	return r.comparison.Merge(r.printer.counted(until(ctx, r.a.rows)), until(ctx, r.b.rows))
}

// until returns rows, and the error of ctx when it ends.
func until[T any](ctx context.Context, rows iter.Seq2[*T, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		n := 0
		for row, err := range rows {
			if n++; n%1000 == 0 && ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// ask asks the vendor about the accounts of the other side.
func (r *diffRun) ask(ctx context.Context) error {
	listed, asked := r.a, r.b
	if r.a.vendor {
		listed, asked = r.b, r.a
	}
	return r.comparison.Ask(ctx, r.printer.counted(listed.rows), diff.Asking{
		API: asked.api, Tags: listed.tags, Rate: r.Rate, InFlight: vendorBatches, Swap: r.a.vendor,
	})
}

// vendorBatches is how many batches are asked about at once. Fewer would not reach the
// rate, because a call takes long.
const vendorBatches = 32

// fields returns what is compared.
func (r *diffRun) fields() diff.Fields {
	if len(r.Fields) == 0 {
		return r.a.fields.And(r.b.fields)
	}
	var f diff.Fields
	for _, name := range r.Fields {
		f.Nick = f.Nick || name == "nick"
		f.FaceURL = f.FaceURL || name == "face_url"
		f.Profile = f.Profile || name == "profile"
	}
	return f
}

// absentFields returns the names of the fields that are not in f.
func absentFields(f diff.Fields) string {
	var names []string
	for _, field := range []struct {
		name string
		has  bool
	}{{"nick", f.Nick}, {"face_url", f.FaceURL}, {"profile tag", f.Profile}} {
		if !field.has {
			names = append(names, field.name)
		}
	}
	return strings.Join(names, ", ")
}

// summarize prints the counts. It returns an error if the sides differ.
func (r *diffRun) summarize() error {
	c := r.comparison.Counts
	if err := r.printer.end(c); err != nil {
		return err
	}
	fmt.Fprintf(r.env.stderr, "%s in A, %s in B: %s only in A, %s only in B, %s changed, %s equal\n",
		counted(c.A, "account"), progress.Count(c.B), progress.Count(c.OnlyA), progress.Count(c.OnlyB), progress.Count(c.Changed), progress.Count(c.Equal))
	if r.a.vendor || r.b.vendor {
		fmt.Fprintln(r.env.stderr, "the vendor lists no accounts: those that only it has are not seen")
	}
	if c.OnlyA+c.OnlyB+c.Changed+r.a.faulty()+r.b.faulty() > 0 {
		return &quietError{exitSomeFailed}
	}
	return nil
}

// A diffPrinter prints differences as they are found.
type diffPrinter struct {
	w       io.Writer
	json    bool
	bar     *progress.Bar
	printed int64
	rows    int64
}

// counted returns rows and shows how many were read.
func (p *diffPrinter) counted(rows diff.Rows) diff.Rows {
	return func(yield func(*diff.Row, error) bool) {
		for row, err := range rows {
			if p.rows++; p.rows%1000 == 0 {
				p.bar.Set(progress.State{Rows: p.rows})
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// print prints a difference.
func (p *diffPrinter) print(d *diff.Difference) (err error) {
	p.printed++
	p.bar.Above(func(io.Writer) {
		if p.json {
			separator := ",\n  "
			if p.printed == 1 {
				separator = "{\"differences\": [\n  "
			}
			err = printItem(p.w, separator, d)
			return
		}
		_, err = io.WriteString(p.w, differenceLine(d))
	})
	return err
}

func differenceLine(d *diff.Difference) string {
	switch d.Kind {
	case diff.OnlyA:
		return "-" + clean(d.UserID) + "\n"
	case diff.OnlyB:
		return "+" + clean(d.UserID) + "\n"
	}
	changes := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		changes[i] = f.Name + ": " + strconv.Quote(f.A) + " → " + strconv.Quote(f.B)
	}
	return "~" + clean(d.UserID) + " " + strings.Join(changes, ", ") + "\n"
}

// end prints what follows the differences in JSON.
func (p *diffPrinter) end(c diff.Counts) error {
	if !p.json {
		return nil
	}
	begin := "\n],"
	if p.printed == 0 {
		begin = `{"differences": [],`
	}
	counts, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.w, "%s \"counts\": %s}\n", begin, counts)
	return err
}
