package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// badUsage tells what is wrong with args, and where their command is explained.
// k is nil if the error is a [kong.ParseError].
func badUsage(env *environment, args []string, k *kong.Context, err error) int {
	if e, ok := errors.AsType[*kong.ParseError](err); ok {
		k = e.Context
	}
	command := commandOf(k)
	err = tellStart(env, startFormat(args), &usageError{plainly(command, err)})
	if !errors.Is(err, errQuiet) {
		fmt.Fprintf(env.stderr, "rollcall: %s\nTry \"%s --help\".\n", cleanLines(err.Error()), command.FullPath())
	}
	return codeOf(err)
}

// commandOf returns the innermost command that was named.
func commandOf(k *kong.Context) *kong.Node {
	command := k.Model.Node
	for _, p := range k.Path {
		if p.Command != nil {
			command = p.Command
		}
	}
	return command
}

// plainly returns err, an error of kong about a command, with what to do: kong
// names similar commands, or none.
func plainly(command *kong.Node, err error) error {
	text := strings.ReplaceAll(err.Error(), `must be one of "",`, "must be one of ")
	argument, unexpected := strings.CutPrefix(text, "unexpected argument ")
	if unexpected && len(command.Children) > 0 && !strings.Contains(text, "did you mean") {
		text = unknownCommand(command, argument)
	}
	if strings.HasPrefix(text, "expected one of ") && len(command.Children) > 0 {
		text = fmt.Sprintf("a command is missing: those of %q are %s", command.FullPath(), commandNames(command))
	}
	if flag, got, ok := strings.Cut(text, `: expected "<key>=<value>" but got `); ok {
		text = fmt.Sprintf("%s is %s, which is not of the form NAME=VALUE", flag, got)
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// unknownCommand says which commands there are, and what a path was probably for:
// a directory right after "backup" was once enough.
func unknownCommand(command *kong.Node, argument string) string {
	if command.Name == "backup" && strings.ContainsAny(argument, "./") {
		return fmt.Sprintf("unexpected argument %s, did you mean \"%s create %s\"?", argument, command.FullPath(), argument)
	}
	text := fmt.Sprintf("unexpected argument %s: the commands of %q are %s", argument, command.FullPath(), commandNames(command))
	if command.Name == "backup" && (argument == "restore" || argument == "list") {
		text += "; to restore one, \"rollcall serve --data DIR --seal-keys FILE\""
	}
	return text
}

// commandNames lists the commands below one.
func commandNames(command *kong.Node) string {
	var names []string
	for _, child := range command.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return strings.Join(names, ", ")
}

// helpCmd is in the list of commands for people who look for it: run turns "help
// COMMAND" into "COMMAND --help" before anything is parsed.
type helpCmd struct {
	Command []string `arg:"" optional:"" name:"command" commands:"" help:"The command to explain."`
}

// Help is shown by rollcall help --help.
func (helpCmd) Help() string {
	return `Examples:
  rollcall help
  rollcall help app set`
}

// helpAsFlag returns args with the word help at their beginning turned into a flag
// at their end.
func helpAsFlag(args []string) []string {
	if len(args) == 0 {
		return []string{"--help"}
	}
	if args[0] != "help" || len(args) > 1 && args[1] == "--help" {
		return args
	}
	return append(append([]string{}, args[1:]...), "--help")
}
