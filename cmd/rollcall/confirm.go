package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// A confirmation is embedded in commands that cannot be undone or that end calls.
type confirmation struct {
	Yes bool `help:"Do it without asking."`
}

// confirm returns nil if --yes was given or a person at a terminal agrees. doing names
// the effect, for example "this deletes app 1".
func (c *confirmation) confirm(ctx context.Context, env *environment, doing string) error {
	if c.Yes {
		return nil
	}
	if !isTerminal(env.stdin) {
		return &usageError{fmt.Errorf("%s; add --yes to confirm", doing)}
	}
	fmt.Fprintf(env.stderr, "%s. Do it? [y/N] ", cleanLines(doing))
	switch answer, err := env.line(ctx); {
	case err != nil:
		fmt.Fprintln(env.stderr)
		return fmt.Errorf("nothing was changed: %w", err)
	case answer != "y" && answer != "yes":
		return errors.New("nothing was changed")
	}
	return nil
}

// line reads a line of standard input and returns it in lower case, without spaces around
// it. When the context ends, it returns although the read of a terminal is still blocked.
func (env *environment) line(ctx context.Context) (string, error) {
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := bufio.NewReader(env.stdin).ReadString('\n')
		read <- result{strings.ToLower(strings.TrimSpace(text)), err}
	}()
	select {
	case r := <-read:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// isTerminal reports whether v, a standard stream, is a terminal.
func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// some returns the number of things of a kind, such as "3 accounts", or the name of a
// single one, such as "account alice".
func some(names []string, kind string) string {
	if len(names) == 1 {
		return fmt.Sprintf("%s %s", kind, names[0])
	}
	return fmt.Sprintf("%d %ss", len(names), kind)
}
