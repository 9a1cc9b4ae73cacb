package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"rollcall/internal/server"
	"rollcall/usersig"
)

// sigCmd works on UserSigs, without a server.
type sigCmd struct {
	Make    sigMakeCmd    `cmd:"" help:"Sign a UserSig and print it."`
	Verify  sigVerifyCmd  `cmd:"" help:"Tell whether a UserSig is valid; exit code 1 if it is not."`
	Explain sigExplainCmd `cmd:"" help:"Tell, step by step, what is right and wrong with a UserSig."`
}

// credentials are what a signature is made or judged with. What is not given is
// taken from the context file of a server.
type credentials struct {
	SDKAppID   uint32 `name:"sdkappid" placeholder:"N" help:"The app (default: from the context)."`
	Identifier string `placeholder:"USERID" help:"The user (default: the admin of the context)."`
	KeyFile    string `placeholder:"FILE" help:"Secret key of the app, or an ECDSA key in PEM; - reads it from standard input (default: from the context)."`
	Context    string `env:"ROLLCALL_CONTEXT" placeholder:"FILE" help:"Context file of a server (default: ./rollcall-data/context.json)."`
	Output     string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
}

// defaultContext is where rollcall serve leaves its context.
var defaultContext = filepath.Join("rollcall-data", server.ContextFile)

// complete fills what the flags left open from the context file, and returns
// the key, if there is one.
func (c *credentials) complete(stdin io.Reader, parse func([]byte) (usersig.Key, error)) ([]usersig.Key, error) {
	saved, err := readContext(c.Context)
	if err != nil {
		return nil, err
	}
	if c.KeyFile == "" && (c.SDKAppID == 0 || c.SDKAppID == saved.SDKAppID) && saved.Key != "" {
		c.fill(saved)
		return []usersig.Key{usersig.HMACKey(saved.Key)}, nil
	}
	c.fill(saved)
	if c.KeyFile == "" {
		return nil, nil
	}
	text, err := readFile(c.KeyFile, stdin)
	if err != nil {
		return nil, fmt.Errorf("--key-file: %w", err)
	}
	key, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("--key-file %s: %w", c.KeyFile, err)
	}
	return []usersig.Key{key}, nil
}

func (c *credentials) fill(saved *server.Context) {
	if c.SDKAppID == 0 {
		c.SDKAppID = saved.SDKAppID
	}
	if c.Identifier == "" && c.SDKAppID == saved.SDKAppID {
		c.Identifier = saved.Admin
	}
}

// parseKey reads a key of either kind; its PEM may be a public or a private
// key.
func parseKey(text []byte) (usersig.Key, error) {
	s := strings.TrimSpace(string(text))
	switch {
	case s == "":
		return usersig.Key{}, errors.New("the key is empty")
	case strings.Contains(s, "PRIVATE KEY-----"):
		return usersig.ParsePrivateKey(text)
	case strings.Contains(s, "-----BEGIN"):
		return usersig.ParsePublicKey(text)
	}
	return usersig.HMACKey(s), nil
}

func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(stdin, 1<<20))
	}
	return os.ReadFile(name)
}

type sigMakeCmd struct {
	credentials
	Expire time.Duration `default:"4320h" help:"How long it is valid, as 24h (default: ${default}, 180 days)."`
}

func (c *sigMakeCmd) Run(env *environment) error {
	keys, err := c.complete(env.stdin, parseKey)
	if err != nil {
		return err
	}
	if len(keys) == 0 || c.SDKAppID == 0 || c.Identifier == "" {
		return errors.New("give --sdkappid, --identifier and --key-file, or start a server first and use its context")
	}
	sig, err := usersig.Sign(keys[0], usersig.Claims{SDKAppID: c.SDKAppID, Identifier: c.Identifier, Validity: c.Expire})
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(env.stdout, map[string]any{"usersig": sig, "sdkappid": c.SDKAppID, "identifier": c.Identifier, "expire": int64(c.Expire.Seconds())})
	}
	fmt.Fprintln(env.stdout, sig)
	return nil
}

// judged is a UserSig on the command line and what to hold it against.
type judged struct {
	credentials
	Sig string    `arg:"" optional:"" name:"usersig" help:"The UserSig; absent or - reads it from standard input."`
	At  time.Time `placeholder:"TIME" help:"Judge as of this time, as 2026-01-02T15:04:05Z (default: now)."`
}

// explain judges the UserSig of the command line.
func (c *judged) explain(env *environment) (usersig.Explanation, error) {
	if c.KeyFile == "-" && (c.Sig == "" || c.Sig == "-") {
		return usersig.Explanation{}, errors.New("only one of key and UserSig can come from standard input")
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
	return usersig.Explain(text, usersig.Request{
		SDKAppID: c.SDKAppID, Identifier: c.Identifier, Keys: keys, Now: c.At,
	}), nil
}

type sigVerifyCmd struct{ judged }

func (c *sigVerifyCmd) Run(env *environment) error {
	e, err := c.explain(env)
	if err != nil {
		return err
	}
	fault := firstFault(e)
	if c.Output == "json" {
		err = printJSON(env.stdout, map[string]any{"valid": fault == "", "code": e.Code, "why": fault})
	} else if fault == "" {
		_, err = fmt.Fprintln(env.stdout, "valid")
	} else {
		_, err = fmt.Fprintf(env.stdout, "not valid (%d): %s\n", e.Code, fault)
	}
	if err == nil && fault != "" {
		return errQuiet
	}
	return err
}

// firstFault returns why e is not known to be valid, "" if it is. A step that
// was not checked counts as a fault: to verify is to check everything.
func firstFault(e usersig.Explanation) string {
	for _, want := range []usersig.Status{usersig.Wrong, usersig.NotChecked} {
		for _, st := range e.Steps {
			if st.Status == want {
				return st.Name + ": " + st.Why
			}
		}
	}
	return ""
}

type sigExplainCmd struct{ judged }

// Help is shown by rollcall sig explain --help.
func (sigExplainCmd) Help() string {
	return `Examples:
  rollcall sig explain eJyrVgrx…            with the key of the server in ./rollcall-data
  rollcall sig explain --sdkappid 1400000000 --identifier alice --key-file key.txt eJyrVgrx…
  pbpaste | rollcall sig explain --output json`
}

func (c *sigExplainCmd) Run(env *environment) error {
	e, err := c.explain(env)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(env.stdout, e)
	}
	return printExplanation(env.stdout, e)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
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
	}
	if e.Code == 0 {
		fmt.Fprintln(t, "\nnothing that was checked is wrong")
	} else {
		fmt.Fprintf(t, "\na server answers %d\n", e.Code)
	}
	return t.Flush()
}

// clock writes a time, or the plain seconds of one that no calendar holds.
func clock(t time.Time, unix int64) string {
	if t.IsZero() {
		return fmt.Sprintf("%d s", unix)
	}
	return t.Format(time.RFC3339)
}
