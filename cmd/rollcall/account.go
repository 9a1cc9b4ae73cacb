package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"rollcall/client"
)

// accountCmd works on the accounts of an app. The commands list, get, count and unkick
// call the admin API. The others call the account API, which the vendor has too.
type accountCmd struct {
	connection `group:"connection"`
	Import     accountImportCmd `cmd:"" help:"Import accounts by their ids."`
	Check      accountCheckCmd  `cmd:"" help:"Check which accounts exist."`
	Set        accountSetCmd    `cmd:"" help:"Set profile fields of an account."`
	Get        accountGetCmd    `cmd:"" help:"Show an account."`
	List       accountListCmd   `cmd:"" help:"List accounts, all or those with a prefix."`
	Count      accountCountCmd  `cmd:"" help:"Count the accounts."`
	Status     accountStatusCmd `cmd:"" help:"Show which accounts are online."`
	Kick       accountKickCmd   `cmd:"" help:"Sign accounts out: refuse the UserSigs they have."`
	Unkick     accountUnkickCmd `cmd:"" help:"Forget the kicks of an account."`
	Delete     accountDeleteCmd `cmd:"" help:"Delete accounts for good."`
}

type accountCheckCmd struct {
	UserIDs []string `arg:"" name:"userid" help:"Ids to look for."`
}

// Help is shown by rollcall account check --help.
func (accountCheckCmd) Help() string {
	return `An id that is not imported is no failure. Exit code 3: some ids can be nobody's.

Examples:
  rollcall account check alice bob
  rollcall account check alice --output json`
}

func (c *accountCheckCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	api, err := g.account(ctx, env)
	if err != nil {
		return err
	}
	results, err := inBatches(ctx, c.UserIDs, api.CheckAccounts)
	if err != nil {
		return err
	}
	err = printList(env.stdout, g.Output, each(results), []column[client.CheckResult]{
		{"USERID", func(r client.CheckResult) string { return r.UserID }},
		{"STATUS", checkStatus},
	})
	return someFailed(err, results, func(r client.CheckResult) bool { return r.Code != 0 })
}

func checkStatus(r client.CheckResult) string {
	switch {
	case r.Code != 0:
		return reason(r.Code, r.Info)
	case r.Imported:
		return "imported"
	}
	return "not imported"
}

type accountKickCmd struct {
	UserIDs []string `arg:"" name:"userid" help:"Ids to kick."`
}

// Help is shown by rollcall account kick --help.
func (accountKickCmd) Help() string {
	return `Every UserSig that was signed before this second is refused from now on; a new
one works. Exit code 3: some do not exist.

Examples:
  rollcall account kick alice
  rollcall account kick alice bob`
}

func (c *accountKickCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	api, err := g.account(ctx, env)
	if err != nil {
		return err
	}
	g.target(env, g.SDKAppID)
	results := make([]client.Result, 0, len(c.UserIDs))
	for _, id := range c.UserIDs {
		err := api.Kick(ctx, id)
		e, ok := errors.AsType[*client.Error](err)
		switch {
		case ok && (e.Code == client.CodeNoAccount || e.Code == client.CodeBadParameter):
			results = append(results, client.Result{UserID: id, Code: e.Code, Info: e.Info})
		case err != nil:
			return printResults(env, g, results, "kicked", err)
		default:
			results = append(results, client.Result{UserID: id})
		}
	}
	return printResults(env, g, results, "kicked", nil)
}

type accountUnkickCmd struct {
	UserID string `arg:"" name:"userid" given:"" help:"The account."`
}

// Help is shown by rollcall account unkick --help.
func (accountUnkickCmd) Help() string {
	return `UserSigs from before the kicks are good again until they expire. It is for a kick
that was a mistake, such as one made while the server's clock was ahead: that
refuses every UserSig until the time comes. The command needs an admin token.

Examples:
  rollcall account unkick administrator`
}

func (c *accountUnkickCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	g.target(env, app)
	before, err := api.Account(ctx, app, c.UserID)
	if err != nil {
		return errorOf(c.UserID, err)
	}
	done := "unkicked"
	if before.KickedAt.IsZero() {
		done = "was not kicked"
	} else if _, err := api.Unkick(ctx, app, c.UserID); err != nil {
		return errorOf(c.UserID, err)
	}
	return printResults(env, g, []client.Result{{UserID: c.UserID}}, done, nil)
}

type accountStatusCmd struct {
	UserIDs []string `arg:"" name:"userid" help:"Ids to ask about."`
	Detail  bool     `help:"With devices."`
}

// Help is shown by rollcall account status --help.
func (accountStatusCmd) Help() string {
	return `Exit code 3: some do not exist.

Examples:
  rollcall account status alice bob
  rollcall account status --detail alice --output json`
}

func (c *accountStatusCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	api, err := g.account(ctx, env)
	if err != nil {
		return err
	}
	query := func(ctx context.Context, ids []string) ([]client.StatusResult, error) {
		return api.QueryOnlineStatus(ctx, client.StatusQuery{UserIDs: ids, Detail: c.Detail, InstanceID: c.Detail, CustomStatus: c.Detail})
	}
	results, err := inBatches(ctx, c.UserIDs, query)
	if err != nil {
		return err
	}
	columns := []column[client.StatusResult]{
		{"USERID", func(r client.StatusResult) string { return r.UserID }},
		{"STATUS", func(r client.StatusResult) string {
			if r.Code != 0 {
				return reason(r.Code, r.Info)
			}
			return r.Status
		}},
	}
	if c.Detail {
		columns = append(columns, column[client.StatusResult]{"DEVICES", devices})
	}
	err = printList(env.stdout, g.Output, each(results), columns)
	return someFailed(err, results, func(r client.StatusResult) bool { return r.Code != 0 })
}

func devices(r client.StatusResult) string {
	var all []string
	for _, d := range r.Devices {
		all = append(all, d.Platform+" "+d.Status)
	}
	return strings.Join(all, ", ")
}

// inBatches calls f with batches of ids, of a size that every command accepts. It stops
// at the first error and returns the results before it.
func inBatches[T any](ctx context.Context, ids []string, f func(context.Context, []string) ([]T, error)) ([]T, error) {
	var all []T
	for batch := range slices.Chunk(ids, client.MaxBatch) {
		results, err := f(ctx, batch)
		if err != nil {
			return all, err
		}
		all = append(all, results...)
	}
	return all, nil
}

// deleted is the result of a deleted account.
const deleted = "deleted"

// printResults prints one line for each id: done, or the reason why the id failed. It
// returns err or, if err is nil and an id failed, errSomeFailed.
func printResults(env *environment, g *accountCmd, results []client.Result, done string, err error) error {
	if err != nil && len(results) == 0 {
		return err
	}
	printErr := printList(env.stdout, g.Output, each(results), []column[client.Result]{
		{"USERID", func(r client.Result) string { return r.UserID }},
		{"RESULT", func(r client.Result) string {
			switch {
			case r.Code == client.CodeNoAccount && done == deleted:
				return r.Code.String() + " " + r.Info + ": there is nothing to delete."
			case r.Code != 0:
				return reason(r.Code, r.Info)
			}
			return done
		}},
	})
	if err == nil {
		err = printErr
	}
	return someFailed(err, results, func(r client.Result) bool { return r.Code != 0 })
}

// someFailed returns err or, if err is nil and an item failed, errSomeFailed.
func someFailed[T any](err error, results []T, failed func(T) bool) error {
	if err == nil && slices.ContainsFunc(results, failed) {
		return errSomeFailed
	}
	return err
}
