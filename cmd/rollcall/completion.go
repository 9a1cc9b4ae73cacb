package main

import (
	"github.com/alecthomas/kong"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/completion"
	"rollcall/internal/wire"
)

// completionCmd prints a script with which a shell completes commands and flags.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown by rollcall completion --help.
func (completionCmd) Help() string {
	return `Examples:
  source <(rollcall completion bash)
  rollcall completion zsh > "${fpath[1]}/_rollcall"
  rollcall completion fish > ~/.config/fish/completions/rollcall.fish`
}

func (c *completionCmd) Run(env *environment, k *kong.Context) error {
	var settings []string
	for _, f := range account.SettingForms() {
		settings = append(settings, f.Name)
	}
	return completion.Write(env.stdout, c.Shell, k.Model.Node, map[string][]string{"settings": settings, "commands": wire.CommandNames(), "platforms": client.Platforms()})
}
