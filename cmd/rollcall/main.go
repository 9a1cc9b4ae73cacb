// Command rollcall is the account service of Tencent Cloud Chat and Live,
// self-hosted: server and command line in one binary.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	_ "time/tzdata" // for machines without zones, as an image without files

	"github.com/alecthomas/kong"
	_ "golang.org/x/crypto/x509roots/fallback" // for machines without certificates
)

// version is set by the linker.
var version = "devel"

// cli is the whole command line. Commands with the tag whole work on all of it.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run the server."`
	Config   configCmd   `cmd:"" help:"Check and show the server's settings."`
	Account  accountCmd  `cmd:"" help:"Import, look at, change and delete accounts."`
	Import   importCmd   `cmd:"" help:"Import accounts from files of any length."`
	Export   exportCmd   `cmd:"" help:"Write all accounts of an app into a file."`
	Diff     diffCmd     `cmd:"" help:"Compare two directories: servers, the vendor, files."`
	App      appCmd      `cmd:"" help:"Create and change apps, their keys and admins."`
	Device   deviceCmd   `cmd:"" help:"Show and end login sessions; log in virtual devices of a test app."`
	Clock    clockCmd    `cmd:"" help:"Set, advance and stop the clock of a test app."`
	Reset    resetCmd    `cmd:"" help:"Remove all accounts of a test app."`
	Snapshot snapshotCmd `cmd:"" help:"Keep states of a test app, and return to them."`
	Audit    auditCmd    `cmd:"" help:"Show who changed what."`
	Token    tokenCmd    `cmd:"" help:"Create and delete tokens of the admin API."`
	Backup   backupCmd   `cmd:"" help:"Make, check, restore and remove backups."`
	Store    storeCmd    `cmd:"" help:"Check a store that no server uses."`
	Migrate  migrateCmd  `cmd:"" help:"Create the schema of a database, or bring it up to date."`
	Copy     copyCmd     `cmd:"" help:"Copy a whole store into another one, of any kind."`
	Sig      sigCmd      `cmd:"" help:"Sign, verify and explain UserSigs."`
	CA       caCmd       `cmd:"" name:"ca" help:"Show, renew and install the local CA of a server."`
	Exec     execCmd     `cmd:"" help:"Run a program whose calls of the vendor's hosts a server of Rollcall answers."`
	Why      whyCmd      `cmd:"" help:"Say why a call, or items of it, failed."`
	Calls    callsCmd    `cmd:"" help:"Show calls with their refusals and remedies, as they come."`
	Webhook  webhookCmd  `cmd:"" help:"Send the events of an app to a URL, or receive webhooks on this machine."`
	Job      jobCmd      `cmd:"" help:"Follow imports, and let the server import files."`
	Fault    faultCmd    `cmd:"" help:"Let calls of a test app fail on purpose."`
	Bench    benchCmd    `cmd:"" help:"Load a server and measure its rate and latency."`
	Record   recordCmd   `cmd:"" help:"Record the calls of a program to any server."`
	Replay   replayCmd   `cmd:"" help:"Replay a recording against a server and show what differs."`

	ExecInside execInsideCmd `cmd:"" name:"exec-inside" hidden:"" help:"Become the program of exec --hosts."`

	Healthcheck healthcheckCmd `cmd:"" help:"Ask a server on this machine whether it is ready."`
	Complete    completeCmd    `cmd:"" hidden:"" help:"List values for the completion of a shell."`
	Completion  completionCmd  `cmd:"" whole:"" help:"Print a script that completes commands and flags in a shell."`
	Man         manCmd         `cmd:"" whole:"" help:"Write manual pages."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
	Help        helpCmd        `cmd:"" help:"Explain a command."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

// An environment contains the standard streams of a command.
type environment struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, &environment{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:]))
}

// Exit codes.
const (
	exitOK       = 0
	exitFailure  = 1 // the command failed
	exitBadUsage = 2 // the command line is invalid
)

// errQuiet ends a command with exitFailure without a message of its own.
var errQuiet = errors.New("")

// exited is the value of the panic that ends run where kong would end the process, for
// example after --help.
type exited struct{ code int }

// run parses args, runs the command and returns the exit code.
func run(ctx context.Context, env *environment, args []string) (code int) {
	args = helpAsFlag(args)
	return runWith(ctx, env, newParser(env, grammar(args)), args)
}

// runWith is run with a parser of env.
func runWith(ctx context.Context, env *environment, parser *kong.Kong, args []string) (code int) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case exited:
			code = p.code
		default:
			panic(p)
		}
	}()
	kctx, err := parser.Parse(args)
	if err == nil {
		err = checkGiven(kctx)
	}
	if err != nil {
		return badUsage(env, args, kctx, err)
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	return exitCode(env, kctx.Run(env))
}

// grammar returns the part of [cli] that args need: one command, if they begin with its name.
// A parser of all commands would take half of the time of a start. args are not empty.
func grammar(args []string) any {
	all := reflect.TypeFor[cli]()
	flag, _ := all.FieldByName("ShowVersion")
	for f := range all.Fields() {
		_, command := f.Tag.Lookup("cmd")
		_, whole := f.Tag.Lookup("whole")
		if name := cmp.Or(f.Tag.Get("name"), strings.ToLower(f.Name)); name == args[0] && command && !whole {
			return reflect.New(reflect.StructOf([]reflect.StructField{f, flag})).Interface()
		}
	}
	return new(cli)
}

// newParser returns a parser of commands, a [cli] or a part of it, that writes to the streams
// of env.
func newParser(env *environment, commands any) *kong.Kong {
	parser, err := kong.New(commands, append(decoders(),
		kong.Name("rollcall"),
		kong.Description(description),
		kong.UsageOnError(),
		kong.Writers(env.stdout, env.stderr),
		kong.Exit(func(code int) { panic(exited{code}) }),
		kong.Vars{"version": versionLine()},
		kong.ExplicitGroups([]kong.Group{{Key: connectionGroup, Title: "Flags of the connection:"}}),
	)...)
	if err != nil {
		panic(err) // the tags of cli are wrong
	}
	parser.Model.HelpFlag.Help = "Show this help."
	return parser
}

func exitCode(env *environment, err error) int {
	switch {
	case err == nil:
		return exitOK
	case !errors.Is(err, errQuiet):
		fmt.Fprintln(env.stderr, "rollcall:", explain(err))
	}
	return codeOf(err)
}
