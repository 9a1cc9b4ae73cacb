package main

import (
	"fmt"

	"rollcall/internal/config"
)

// configCmd looks at settings without starting a server.
type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Say whether a file of settings is right."`
	Print configPrintCmd `cmd:"" help:"Show the settings that would be in force, each with its source."`
}

// configCheckCmd reads a file as serve would.
type configCheckCmd struct {
	File string `arg:"" given:"" help:"Settings in YAML."`
}

// Help is shown by rollcall config check --help.
func (configCheckCmd) Help() string {
	return `Reads the file as "rollcall serve --config FILE" would, together with the
environment. A mistake is one sentence with the place and the remedy, and exit
code 2.

Examples:
  rollcall config check /etc/rollcall/rollcall.yml`
}

// Run checks the file.
func (c *configCheckCmd) Run(env *environment) error {
	if _, err := loadConfig(config.Options{File: c.File}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.stdout, "%s is right\n", c.File)
	return err
}

// configPrintCmd shows settings.
type configPrintCmd struct {
	File string `name:"config" placeholder:"FILE" given:"" help:"Settings in YAML."`
}

// Help is shown by rollcall config print --help.
func (configPrintCmd) Help() string {
	return `What is printed can be given to "rollcall serve --config". It holds no secret:
settings name files that do.

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
