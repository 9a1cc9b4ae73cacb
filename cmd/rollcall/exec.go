package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
)

// execCmd runs a program whose calls of the vendor's hosts a server of Rollcall answers.
type execCmd struct {
	Command []string `arg:"" name:"cmd" passthrough:"" help:"The program and its arguments, after --."`

	Intercept   []string `placeholder:"NAME" given:"" help:"A further host name to answer; may be repeated."`
	Hosts       bool     `help:"Also lead programs that ignore proxies there, by a hosts file and port 443 of their own. Needs Linux, and root or --isolated."`
	Isolated    bool     `help:"With --hosts, as an ordinary user: give the program a network of its own, where nothing else is reachable."`
	Passthrough bool     `help:"Let the program reach other hosts. By default they are refused."`

	URL     string `name:"url" placeholder:"URL" given:"" help:"Use this running server instead of a new one."`
	Context string `placeholder:"FILE" given:"" help:"Use the running server of this context file."`
	CA      string `name:"ca" placeholder:"FILE" given:"" help:"Certificates in PEM to trust for the running server, besides the system's."`

	SDKAppID uint32 `name:"sdkappid" placeholder:"N" given:"" help:"The program's own app (default: a demo app)."`
	KeyFile  string `placeholder:"FILE" given:"" help:"The program's own key: the secret key of that app, or its ECDSA public key in PEM."`
	Admin    string `placeholder:"USERID" given:"" help:"The admin that the program signs for (default: administrator)."`

	LogLevel slog.Level `default:"error" values:"debug,info,warn,error" placeholder:"LEVEL" help:"Lowest level that the new server logs: debug, info, warn or error (default: ${default})."`
	Quiet    bool       `help:"Do not say at the end how many calls came."`
}

// Help is shown by rollcall exec --help.
func (execCmd) Help() string {
	return `The command starts a server for the program alone, with a test app in memory, and runs the
program so that its calls of the vendor's hosts reach that server. The program needs no
change: proxy variables, settings of certificates and, for Node, a preloaded file lead
it there. Nothing outside of the program and its children changes. The server ends with
the program, whose exit code is passed on.

The program finds the app in its environment: ROLLCALL_URL, ROLLCALL_SDKAPPID,
ROLLCALL_KEY, ROLLCALL_ADMIN, ROLLCALL_ADMIN_TOKEN, ROLLCALL_CONTEXT and ROLLCALL_CA, a
file with the certificate of the local CA. If it has an app and a key of its own, give
them with --sdkappid and --key-file.

The proxy refuses hosts that are not the vendor's, so that no test reaches a service by
mistake. --passthrough lets the program reach them, through the proxy that its
environment names, if there is one. Clients that ignore proxies are not stopped: with
--hosts --isolated nothing else can be reached.

These programs need nothing else: curl, Go with http.DefaultTransport, every HTTP library
of Node (with workers and fetch), Python with requests and urllib, PHP with curl and
Guzzle, Ruby, and Java. Other programs need --hosts, such as Go with a transport of its
own, http.client of Python and the streams of PHP.

--hosts mounts a hosts file that only the program and its children see, and answers on
port 443 of a random address such as 127.84.3.200. That needs root on Linux. With
--isolated it needs no root: the program gets a network of its own, where it reaches
nothing but the service and what it starts itself.

Exit codes: those of the program, 128 and the signal if one ended it, 126 if it cannot
be run, 127 if it is not found.

Examples:
  rollcall exec -- npm test
  rollcall exec --sdkappid 1400000000 --key-file key.txt --admin admin -- go test ./...
  rollcall exec --intercept sg.api.im.qcloud.com -- python3 app.py
  rollcall exec --context rollcall-data/context.json -- php import.php
  sudo rollcall exec --hosts -- ./server
  rollcall exec --hosts --isolated -- go test ./...`
}

// Exit codes of exec besides those of the program, as of a shell.
const (
	exitCannotRun = 126
	exitNotFound  = 127
	exitSignal    = 128 // plus the number of the signal
)

// Run runs the program.
func (c *execCmd) Run(ctx context.Context, env *environment) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	if c.Isolated && !isolated() {
		code, err := c.isolate(env)
		return exitWith(code, err)
	}
	if isolated() {
		if err := prepareIsolated(); err != nil {
			return err
		}
	}
	signals, stop := catchSignals()
	defer stop()
	s, err := newExecSession(ctx, c, env)
	if err != nil {
		if code, ended := endedBefore(signals); ended {
			return &quietError{code} // the error is that of the interruption
		}
		return err
	}
	s.signals = signals
	defer func() { err = errors.Join(err, s.close()) }()
	code, err := s.run(c.Command)
	if err == nil && !c.Quiet {
		fmt.Fprintln(env.stderr, "rollcall exec:", s.summary(filepath.Base(c.Command[0]), code))
	}
	return exitWith(code, err)
}

// exitWith returns an error that ends the command with the exit code of a program, unless
// err is not nil.
func exitWith(code int, err error) error {
	if err == nil && code != exitOK {
		return &quietError{code}
	}
	return err
}

// execInsideCmd is the process that becomes the program under --hosts.
type execInsideCmd struct {
	Over    []string `name:"over" sep:"none" help:"TARGET=FILE to mount."`
	Path    string   `help:"The file of the program."`
	Command []string `arg:"" optional:"" passthrough:"" help:"The program and its arguments."`
}

// check returns an error unless the flags fit together.
func (c *execCmd) check() error {
	if len(c.Command) > 0 && c.Command[0] == "--" {
		c.Command = c.Command[1:]
	}
	var text string
	switch {
	case len(c.Command) == 0:
		text = "the program is missing: give it after --, as in \"rollcall exec -- npm test\""
	case !c.running() && (c.SDKAppID == 0) != (c.KeyFile == ""):
		text = "--sdkappid and --key-file go together: give both or neither"
	case !c.running() && c.Admin != "" && c.SDKAppID == 0:
		text = "--admin needs --sdkappid and --key-file"
	case c.Isolated && !c.Hosts:
		text = "--isolated is a way of --hosts: give that too"
	case c.Isolated && (c.running() || c.Passthrough):
		text = "--isolated reaches no other server: leave out --url, --context and --passthrough"
	case !c.running() && c.CA != "":
		text = "--ca is for a running server: give --url too"
	default:
		return nil
	}
	return &usageError{errors.New(text)}
}

// running reports whether the program uses a server that runs already.
func (c *execCmd) running() bool { return c.URL != "" || c.Context != "" }
