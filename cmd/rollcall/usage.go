package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// badUsage prints what is wrong with args and how to get help, and returns the exit code.
// k is nil if err is a [kong.ParseError].
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

// plainly returns err, an error of kong about a command, with a text that says what to
// do. Kong names no commands unless one has a similar name.
func plainly(command *kong.Node, err error) error {
	text := err.Error()
	if name, given, ok := strings.Cut(text, " must be one of "); ok {
		text = choices(name, given)
	}
	if missing, ok := strings.CutPrefix(text, `expected "`); ok {
		text = "an argument is missing: " + strings.TrimSuffix(missing, `"`)
	}
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

// choices returns the text of the error for a value that is none of a few. The rest of the
// text of kong has the form "a","b" but got "c".
func choices(name, rest string) string {
	all, got, _ := strings.Cut(rest, " but got ")
	all = strings.NewReplacer(`"",`, "", `"`, "", ",", ", ").Replace(all)
	return fmt.Sprintf("%s is %s: give one of %s", name, got, all)
}

// unknownCommand returns the text of the error for an argument that is no command. It
// names the commands. For a path after "backup" it suggests "backup create", because
// earlier versions took the directory there.
func unknownCommand(command *kong.Node, argument string) string {
	if command.Name == "backup" && strings.ContainsAny(argument, "./") {
		return fmt.Sprintf("unexpected argument %s, did you mean \"%s create %s\"?", argument, command.FullPath(), argument)
	}
	return fmt.Sprintf("unexpected argument %s: the commands of %q are %s", argument, command.FullPath(), commandNames(command))
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

// helpCmd only makes "help" appear in the list of commands. It is never run: run turns
// "help COMMAND" into "COMMAND --help" before it parses the arguments.
type helpCmd struct {
	Command []string `arg:"" optional:"" name:"command" commands:"" help:"The command to explain."`
}

// Help is shown by rollcall help --help.
func (helpCmd) Help() string {
	return `Examples:
  rollcall help
  rollcall help app set`
}

// helpAsFlag replaces the word help at the beginning of args with --help at the end.
// Without arguments it returns --help.
func helpAsFlag(args []string) []string {
	if len(args) == 0 {
		return []string{"--help"}
	}
	if args[0] != "help" || len(args) > 1 && args[1] == "--help" {
		return args
	}
	return append(append([]string{}, args[1:]...), "--help")
}
