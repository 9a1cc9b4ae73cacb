package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rollcall/usersig"
)

// judged contains a UserSig from the command line and the values to check it against.
type judged struct {
	credentials
	Sig string  `arg:"" optional:"" name:"usersig" given:"" help:"The UserSig; absent or - reads it from standard input."`
	At  instant `placeholder:"TIME" help:"Judge as of this time, as 2026-01-02T15:04:05Z (default: now)."`
}

// An instant is a time on the command line.
type instant struct{ time.Time }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (i *instant) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is no time in RFC 3339: write one as 2026-01-02T15:04:05Z or 2026-01-02T15:04:05+08:00", text)
	}
	i.Time = t
	return nil
}

// explain judges the UserSig of the command line.
func (c *judged) explain(ctx context.Context, env *environment) (usersig.Explanation, error) {
	if c.KeyFile == "-" && (c.Sig == "" || c.Sig == "-") {
		return usersig.Explanation{}, &usageError{errors.New("only one of key and UserSig can come from standard input: give a file, or the UserSig as an argument")}
	}
	keys, err := c.complete(env.stdin, parseKey)
	if err != nil {
		return usersig.Explanation{}, err
	}
	text := c.Sig
	if text == "" || text == "-" {
		b, err := readFile("-", env.stdin)
		if err != nil {
			return usersig.Explanation{}, err
		}
		text = strings.TrimSpace(string(b))
	}
	e := usersig.Explain(text, usersig.Request{
		SDKAppID: c.SDKAppID, Identifier: c.Identifier, Keys: keys, Now: c.At.Time,
	})
	if e.Sig != nil {
		c.nameKey(&e)
		c.askServer(ctx, env, &e)
	}
	return e, nil
}

type sigVerifyCmd struct{ judged }

// Help is shown by rollcall sig verify --help.
func (sigVerifyCmd) Help() string {
	return `Everything is checked: the app, the user, the signature and the time. If a
flag is missing, the result is unknown (in JSON "valid": null) and the exit code
is 1. A UserSig of version 1 needs --key-file with the app's public key. If the
server of the context answers, it is asked whether the key is still active and
whether the account was kicked since.

Examples:
  rollcall sig verify eJyrVgrx…   # with the key of the server in ./rollcall-data
  rollcall sig verify --sdkappid 1400000000 --identifier alice --key-file key.txt eJyrVgrx…
  rollcall sig make | rollcall sig verify --output json`
}

func (c *sigVerifyCmd) Run(ctx context.Context, env *environment) error {
	e, err := c.explain(ctx, env)
	if err != nil {
		return err
	}
	v := verdictOf(e)
	if c.Output == "json" {
		err = printJSON(env.stdout, v)
	} else {
		_, err = fmt.Fprintln(env.stdout, v)
	}
	if err == nil && v.Why != "" {
		return errQuiet
	}
	return err
}

// A verdict is the result of "sig verify".
type verdict struct {
	Valid *bool  `json:"valid"` // nil if unknown
	Code  int    `json:"code"`  // of the server's response; 0 unless Valid is false
	Why   string `json:"why"`   // empty if the UserSig is valid
}

// kickStep is the only step that cannot be checked without a server.
const kickStep = "kick"

// verdictOf returns the verdict of all steps. A UserSig is valid if no step is wrong and
// every step but the kick was checked.
func verdictOf(e usersig.Explanation) verdict {
	if st, wrong := e.Fault(); wrong {
		return verdict{Valid: new(false), Code: e.Code, Why: st.Name + ": " + st.Why}
	}
	for _, st := range e.Steps {
		if st.Status == usersig.NotChecked && st.Name != kickStep {
			return verdict{Why: st.Name + ": " + st.Why + "; " + missing(e, st.Name)}
		}
	}
	return verdict{Valid: new(true)}
}

func (v verdict) String() string {
	switch {
	case v.Valid == nil:
		return "cannot tell: " + v.Why
	case *v.Valid:
		return "valid"
	}
	return fmt.Sprintf("not valid (%d): %s", v.Code, v.Why)
}

// missing returns the advice to give the flag that a step needs.
func missing(e usersig.Explanation, step string) string {
	switch {
	case step == "app":
		return "give --sdkappid"
	case step == "user":
		return "give --identifier"
	case e.Sig != nil && e.Sig.Version == 1:
		return "give --key-file with the app's public key"
	}
	return "give --key-file with the app's secret key"
}

type sigExplainCmd struct{ judged }

// Help is shown by rollcall sig explain --help.
func (sigExplainCmd) Help() string {
	return `The command says for each step of a server's check whether the UserSig passes, and
what is wrong. If the server of the context answers, it is asked whether the key is still
active and whether the account was kicked since. Exit code 0 says that the UserSig
was explained; "rollcall sig verify" tells by its exit code whether it is valid.

Examples:
  rollcall sig explain eJyrVgrx…   # with the key of the server in ./rollcall-data
  rollcall sig explain --sdkappid 1400000000 --identifier alice --key-file key.txt eJyrVgrx…
  pbpaste | rollcall sig explain --output json`
}

func (c *sigExplainCmd) Run(ctx context.Context, env *environment) error {
	e, err := c.explain(ctx, env)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(env.stdout, e)
	}
	return printExplanation(env.stdout, e)
}

func printExplanation(w io.Writer, e usersig.Explanation) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if s := e.Sig; s != nil {
		fmt.Fprintf(t, "version\t%d\nsdkappid\t%d\nidentifier\t%q\n", s.Version, s.SDKAppID, s.Identifier)
		fmt.Fprintf(t, "issued\t%s\nexpires\t%s\n\n", clock(e.IssuedAt, s.IssuedAt), clock(e.ExpiresAt, s.ExpiresAt()))
	}
	fmt.Fprintln(t, "STEP\tRESULT\tWHY")
	for _, st := range e.Steps {
		fmt.Fprintf(t, "%s\t%s\t%s\n", st.Name, strings.ReplaceAll(string(st.Status), "_", " "), st.Why)
		if st.Warning != "" {
			fmt.Fprintf(t, "\twarning\t%s\n", st.Warning)
		}
	}
	fmt.Fprintln(t, "\n"+conclusion(e))
	return t.Flush()
}

// conclusion returns the summary of the steps of e.
func conclusion(e usersig.Explanation) string {
	if e.Code != 0 {
		return fmt.Sprintf("a server answers %d", e.Code)
	}
	text := "nothing that was checked is wrong"
	if !slices.ContainsFunc(e.Steps, func(st usersig.Step) bool { return st.Status != usersig.OK }) {
		text = "valid"
	}
	for _, st := range e.Steps {
		switch {
		case st.Warning != "":
			text += ", but see the warning"
		case st.Status != usersig.NotChecked:
		case st.Name == "signature":
			return fmt.Sprintf("%s, but the signature was not checked: %s.\nA server that does not have that key answers %d.",
				text, missing(e, st.Name), usersig.BadSignature.Code())
		case st.Name == kickStep:
			text += fmt.Sprintf(".\nA server answers %d if the account was kicked after the UserSig was issued, which was not checked.", usersig.Kicked.Code())
		}
	}
	return text
}

// clock returns t as text. A zero t stands for a time outside the calendar; clock then
// returns its seconds.
func clock(t time.Time, unix int64) string {
	if t.IsZero() {
		return fmt.Sprintf("%d s", unix)
	}
	return t.Format(time.RFC3339)
}
