package main

import (
	"context"
	"errors"
	"reflect"
	"unicode/utf8"

	"rollcall/client"
	"rollcall/internal/account"
)

type accountImportCmd struct {
	UserIDs []string `arg:"" optional:"" name:"userid" help:"Ids to import."`
	Nick    string   `placeholder:"TEXT" help:"Nick of the one id."`
	FaceURL string   `name:"face-url" placeholder:"URL" help:"Picture of the one id."`
	movedFlags
}

// movedFlags are flags that are now of "rollcall import".
type movedFlags struct {
	File      []string `hidden:"" sep:"none"`
	Format    string   `hidden:""`
	Encoding  string   `hidden:""`
	Delimiter string   `hidden:""`
	Sheet     string   `hidden:""`
	Map       []string `hidden:"" sep:"none"`
	Ignore    []string `hidden:""`
	Template  bool     `hidden:""`
	InFlight  string   `hidden:""`
}

// Help is shown by rollcall account import --help.
func (accountImportCmd) Help() string {
	return `Existing accounts are updated; empty or missing fields keep their value. "rollcall
import" imports files of any length.

Exit code 3: some were rejected; each is listed with the reason.

Examples:
  rollcall account import alice --nick Alice --face-url https://example.com/a.png
  rollcall account import alice bob carol`
}

func (c *accountImportCmd) check() error {
	switch {
	case !reflect.ValueOf(c.movedFlags).IsZero():
		return &usageError{errors.New("account import takes ids only: import files with \"rollcall import FILE\", whose --help lists the flags of files")}
	case len(c.UserIDs) == 0:
		return &usageError{errors.New("no id: name the ids to import, or import a file with \"rollcall import FILE\"")}
	case (c.Nick != "" || c.FaceURL != "") && len(c.UserIDs) != 1:
		return &usageError{errors.New("--nick and --face-url are for one id; a file can have them for many: see \"rollcall import --help\"")}
	}
	for _, text := range append(c.UserIDs, c.Nick, c.FaceURL) {
		if !utf8.ValidString(text) {
			return &usageError{errors.New("an argument is not UTF-8: write it in that encoding")}
		}
	}
	return nil
}

func (c *accountImportCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	if err := c.check(); err != nil {
		return err
	}
	api, err := g.account(ctx, env)
	if err != nil {
		return err
	}
	g.target(env, g.SDKAppID)
	results, err := inBatches(ctx, c.UserIDs, func(ctx context.Context, ids []string) ([]client.Result, error) {
		accounts := make([]client.Account, len(ids))
		for i, id := range ids {
			accounts[i] = client.Account{UserID: id, Nick: c.Nick, FaceURL: c.FaceURL}
		}
		return api.ImportAccounts(ctx, accounts)
	})
	for i := range results {
		explainID(&results[i])
	}
	return printResults(env, g, results, "imported", err)
}

// explainID adds why an id is invalid. A server returns only codes for the items of a batch,
// and one code covers every error of an id.
func explainID(r *client.Result) {
	if r.Code != client.CodeBadParameter {
		return
	}
	for _, strict := range []bool{false, true} {
		if detail := account.DetailOf(account.UserID(r.UserID).Validate(strict)); detail != "" {
			r.Info = detail
			return
		}
	}
}
