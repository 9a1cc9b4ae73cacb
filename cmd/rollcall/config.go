package main

import (
	"fmt"

	"rollcall/internal/config"
	"rollcall/internal/server"
)

// configCmd checks and prints settings without starting a server.
type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Check a file of settings."`
	Print configPrintCmd `cmd:"" help:"Show the effective settings, each with its source."`
}

// configCheckCmd checks a file as serve would.
type configCheckCmd struct {
	File string `arg:"" given:"" help:"Settings in YAML."`
}

// Help is shown by rollcall config check --help.
func (configCheckCmd) Help() string {
	return `The command reads the file as "rollcall serve --config FILE" would, together with
the environment and the files that it names. Run it as the user of the server. It
reports a mistake in one sentence with the place and the remedy, and the exit code is 2.
It warns of settings that are allowed but dangerous, such as a key that everybody can
read.

Examples:
  rollcall config check /etc/rollcall/rollcall.yml`
}

// Run checks the file.
func (c *configCheckCmd) Run(env *environment) error {
	l, err := loadConfig(config.Options{File: c.File})
	if err != nil {
		return err
	}
	if err := l.CheckDirs(); err != nil {
		return &usageError{err}
	}
	if err := server.CheckFiles(l.Config); err != nil {
		return &usageError{l.Attribute(err)}
	}
	for _, warning := range l.Warnings() {
		fmt.Fprintln(env.stderr, "warning:", cleanLines(warning))
	}
	_, err = fmt.Fprintf(env.stdout, "no mistake found in %s\n", c.File)
	return err
}

// configPrintCmd prints the effective settings.
type configPrintCmd struct {
	File string `name:"config" placeholder:"FILE" given:"" help:"Settings in YAML."`
}

// Help is shown by rollcall config print --help.
func (configPrintCmd) Help() string {
	return `"rollcall serve --config" takes the output. It holds no secret: settings only name
the files of secrets, and passwords in URLs are not shown.

Examples:
  rollcall config print
  rollcall config print --config /etc/rollcall/rollcall.yml
  ROLLCALL_CFG_LOG_LEVEL=warn rollcall config print`
}

// Run prints the settings.
func (c *configPrintCmd) Run(env *environment) error {
	l, err := loadConfig(config.Options{File: c.File})
	if err != nil {
		return err
	}
	return l.Print(env.stdout)
}
