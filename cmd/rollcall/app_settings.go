package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"rollcall/docs"
	"rollcall/internal/account"
)

type appSettingsCmd struct {
	Setting string `arg:"" optional:"" name:"setting" given:"" values:"settings" help:"Explain this one (default: list all)."`
}

// Help is shown by rollcall app settings --help.
func (appSettingsCmd) Help() string {
	return `If a server and an app are known, the list has the app's values too. A setting that
the app does not have shows its default.

Examples:
  rollcall app settings
  rollcall app settings rate_limits
  rollcall app settings --output json`
}

// A settingInfo is a setting for people and programs.
type settingInfo struct {
	Name    string          `json:"name"`
	Value   json.RawMessage `json:"value,omitempty"` // of the app; absent if it is the default
	Takes   string          `json:"takes"`
	Default string          `json:"default"`
	Example json.RawMessage `json:"example"`
	What    string          `json:"description"`
}

// Run lists the settings, or explains one.
func (c *appSettingsCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	values, err := g.settingsOf(ctx, env)
	if err != nil {
		return err
	}
	var all []settingInfo
	for _, f := range account.SettingForms() {
		all = append(all, settingInfo{f.Name, values[f.Name], f.Takes, f.Default, json.RawMessage(f.Example), explained(f.Name)})
	}
	if c.Setting == "" {
		return printList(env.stdout, g.Output, each(all), []column[settingInfo]{
			{"setting", func(s settingInfo) string { return s.Name }},
			{"value", func(s settingInfo) string { return string(s.Value) }},
			{"default", func(s settingInfo) string { return s.Default }},
			{"takes", func(s settingInfo) string { return s.Takes }},
		})
	}
	f, err := settingForm("app settings", c.Setting)
	if err != nil {
		return err
	}
	s := all[slices.IndexFunc(all, func(s settingInfo) bool { return s.Name == f.Name })]
	return printThing(env.stdout, g.Output, s, []property{
		{"setting", s.Name},
		{"value", string(s.Value)},
		{"takes", s.Takes},
		{"default", s.Default},
		{"example", "rollcall app set --setting " + s.Name + "=" + settingText(f)},
		{"meaning", s.What},
	})
}

// settingsOf returns the settings that the app has, or none if no server or app is known.
func (g *appCmd) settingsOf(ctx context.Context, env *environment) (map[string]json.RawMessage, error) {
	if err := g.complete(); err != nil || g.URL == "" || g.SDKAppID == 0 {
		return nil, err
	}
	app, err := g.read(ctx, env, 0)
	if err != nil {
		return nil, err
	}
	return app.Settings.Members()
}

// explained returns what docs/settings.md says of a setting, on one line.
func explained(name string) string {
	_, text, _ := strings.Cut(docs.Settings, "\n## "+name+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return strings.Join(strings.Fields(text), " ")
}
