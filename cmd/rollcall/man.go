package main

import (
	"fmt"

	"github.com/alecthomas/kong"

	"rollcall/internal/manual"
)

// manCmd writes manual pages.
type manCmd struct {
	Dir string `arg:"" name:"dir" type:"path" given:"" help:"Directory of the pages, as /usr/local/share/man/man1. It is created."`
}

// Help is shown by rollcall man --help.
func (manCmd) Help() string {
	return `There is a page for the program and one for each command. They have the same text as
--help. Packages for Debian and Red Hat contain them.

Examples:
  rollcall man /usr/local/share/man/man1
  rollcall man . && man ./rollcall-serve.1`
}

// Run writes the pages.
func (c *manCmd) Run(env *environment, k *kong.Context) error {
	pages := manual.Pages(k.Model.Node, "rollcall "+version)
	if err := manual.Write(c.Dir, pages); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.stdout, "%d pages in %s\n", len(pages), c.Dir)
	return err
}
