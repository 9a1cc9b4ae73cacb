package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"rollcall/client"
)

// completeCmd prints values that the completion of a shell offers.
type completeCmd struct {
	connection `group:"connection"`
	Kind       string `arg:"" enum:"apps,admins,keys,tokens,jobs,snapshots,faults" help:"What to list."`
}

// Limits of a completion. A shell waits for it while a person types.
const (
	completeTime = 500 * time.Millisecond
	maxCompleted = 200 // values
)

// typable matches values that need no quotes in a shell.
var typable = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// Run prints a value a line. A server that cannot be asked is no error for a person who
// types: the command fails without a message, and the shell offers nothing.
func (c *completeCmd) Run(ctx context.Context, env *environment) error {
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	api, err := c.admin(env)
	if err != nil {
		return errQuiet
	}
	values, err := valuesOf(ctx, api, c.SDKAppID, c.Kind)
	if err != nil {
		return errQuiet
	}
	for _, value := range values[:min(len(values), maxCompleted)] {
		if typable.MatchString(value) {
			fmt.Fprintln(env.stdout, value)
		}
	}
	return nil
}

// valuesOf returns the values of a kind that a server has, for an app if they belong to one.
func valuesOf(ctx context.Context, api *client.AdminClient, app uint32, kind string) (values []string, err error) {
	switch kind {
	case "apps":
		for a, err := range api.Apps(ctx) {
			if err != nil || len(values) == maxCompleted {
				return values, err
			}
			values = append(values, strconv.FormatUint(uint64(a.SDKAppID), 10))
		}
		return values, nil
	case "jobs":
		for i, err := range api.Imports(ctx, app) {
			if err != nil || len(values) == maxCompleted {
				return values, err
			}
			values = append(values, i.Key)
		}
		return values, nil
	case "tokens":
		tokens, err := api.Tokens(ctx)
		return names(tokens, func(t *client.Token) string { return t.ID }), err
	case "snapshots":
		snapshots, err := api.Snapshots(ctx, app)
		return names(snapshots, func(s *client.Snapshot) string { return s.Name }), err
	case "faults":
		faults, err := api.Faults(ctx, app)
		return names(faults, func(f *client.ActiveFault) string { return f.ID }), err
	}
	a, err := api.App(ctx, app)
	if err != nil {
		return nil, err
	}
	if kind == "admins" {
		return a.Admins, nil
	}
	return names(a.Keys, func(k *client.Key) string { return k.ID }), nil
}

func names[T any](all []T, name func(*T) string) []string {
	texts := make([]string, len(all))
	for i := range all {
		texts[i] = name(&all[i])
	}
	return texts
}
