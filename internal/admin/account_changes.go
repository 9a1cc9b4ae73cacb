package admin

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
)

// accountRoutes returns the routes that change accounts, explain UserSigs, show the
// settings of the server and check backups.
func accountRoutes() []Route {
	const write, ok, made = account.ScopeWrite, http.StatusOK, http.StatusCreated
	userid := []Parameter{{"userid", true, "the id, for those that a path cannot carry"}}
	return []Route{
		{Method: "POST", Path: root + "/backup:verify", ID: "verifyBackup", Summary: "Read every record of a backup on the server and say what it contains, or what is wrong with it.", Scope: account.ScopeAdmin, Status: ok, Timeout: backupTimeout, Endpoint: withBody((*Server).verifyBackup)},
		{Method: "GET", Path: root + "/settings", ID: "listSettings", Summary: "List the settings of the server with their values and sources, without secrets.", Scope: account.ScopeAdmin, Status: ok, Endpoint: noBody((*Server).listSettings)},
		{Method: "POST", Path: oneApp + "/usersig:explain", ID: "explainUserSig", Summary: "Explain step by step what is right and wrong with a UserSig, and what the server answers to a call with it.", Scope: account.ScopeRead, Status: ok, Endpoint: withBody((*Server).explainUserSig)},
		{Method: "POST", Path: accounts, ID: "addAccount", Summary: "Create an account, under the rules of account_import. One that exists stays as it is.", Scope: write, Status: made, Endpoint: withBody((*Server).addAccount)},
		{Method: "PATCH", Path: accounts + "/{userid}", ID: "changeAccount", Summary: "Set or clear tags of an account: all of them, or none if one is refused.", Scope: write, Status: ok, Endpoint: withBody((*Server).changeAccount)},
		{Method: "PATCH", Path: accounts + ":change", ID: "changeFoundAccount", Summary: "Set or clear tags of an account whose id a path cannot carry.", Scope: write, Status: ok, Query: userid, Endpoint: withBody((*Server).changeAccount)},
		{Method: "POST", Path: accounts + ":delete", ID: "deleteAccounts", Summary: "Delete up to 100 accounts, each on its own.", Scope: write, Status: ok, Endpoint: withBody((*Server).deleteAccounts)},
		{Method: "POST", Path: accounts + ":kick", ID: "kickAccount", Summary: "Refuse all UserSigs of an account that were signed before now.", Scope: write, Status: ok, Endpoint: withBody((*Server).kickAccount)},
		{Method: "POST", Path: accounts + ":unkick", ID: "unkickAccount", Summary: "Forget the kicks of an account: UserSigs from before them are good again.", Scope: write, Status: ok, Endpoint: withBody((*Server).unkickAccount)},
	}
}

func (s *Server) addAccount(ctx context.Context, c *call, req adminapi.NewAccount) (adminapi.Account, error) {
	return s.changed(ctx, c, account.UserID(req.UserID), func(app account.AppID, id account.UserID) error {
		patch := adminapi.AccountPatch{Profile: req.Profile}
		if req.Nick != "" {
			patch.Nick = &req.Nick
		}
		if req.FaceURL != "" {
			patch.FaceURL = &req.FaceURL
		}
		changes, err := profileChanges(patch)
		if err != nil {
			return err
		}
		return s.dir.AddAccount(ctx, c.actor(), app, id, changes)
	})
}

func (s *Server) changeAccount(ctx context.Context, c *call, req adminapi.AccountPatch) (adminapi.Account, error) {
	return s.changed(ctx, c, c.userID(), func(app account.AppID, id account.UserID) error {
		changes, err := profileChanges(req)
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return bad("the body changes nothing; give nick, face_url or profile")
		}
		return s.dir.ChangeAccount(ctx, c.actor(), app, id, changes)
	})
}

func (s *Server) kickAccount(ctx context.Context, c *call, req adminapi.Kick) (adminapi.Account, error) {
	return s.changed(ctx, c, account.UserID(req.UserID), func(app account.AppID, id account.UserID) error {
		return s.dir.KickAccount(ctx, c.actor(), app, id)
	})
}

func (s *Server) unkickAccount(ctx context.Context, c *call, req adminapi.Unkick) (adminapi.Account, error) {
	return s.changed(ctx, c, account.UserID(req.UserID), func(app account.AppID, id account.UserID) error {
		return s.dir.Unkick(ctx, c.actor(), app, id)
	})
}

// changed calls change and returns the account as it is afterwards.
func (s *Server) changed(ctx context.Context, c *call, id account.UserID, change func(account.AppID, account.UserID) error) (adminapi.Account, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.Account{}, err
	}
	if err := change(app, id); err != nil {
		return adminapi.Account{}, err
	}
	return s.account(ctx, app, id)
}

// profileChanges returns the changes of p: nick, face_url, then tags in alphabetical order.
func profileChanges(p adminapi.AccountPatch) ([]directory.Change, error) {
	var changes []directory.Change
	for _, text := range []struct {
		name  string
		tag   account.Tag
		value *string
	}{{"nick", account.TagNick, p.Nick}, {"face_url", account.TagImage, p.FaceURL}} {
		if text.value == nil {
			continue
		}
		if _, twice := p.Profile[string(text.tag)]; twice {
			return nil, bad(fmt.Sprintf("the body has %s and %s, which are the same; leave one out", text.name, text.tag))
		}
		changes = append(changes, directory.Change{Tag: text.tag, Value: account.Value{Text: *text.value}})
	}
	for _, tag := range slices.Sorted(maps.Keys(p.Profile)) {
		c := directory.Change{Tag: account.Tag(tag)}
		readValue(&c, p.Profile[tag])
		changes = append(changes, c)
	}
	return changes, nil
}

// readValue sets the value of c. v was read from JSON.
func readValue(c *directory.Change, v any) {
	value, _ := v.(jsontext.Value)
	switch value.Kind() {
	case 'n':
		c.Clear = true
	case '"':
		c.Malformed = json.Unmarshal(value, &c.Value.Text) != nil
	case '0':
		n, err := strconv.ParseUint(string(value), 10, 64)
		c.Value, c.Malformed = account.Value{Number: n, IsNumber: true}, err != nil
	default:
		c.Malformed = true
	}
}

// maxDeleted is the largest number of accounts in a deletion, as in the vendor's protocol.
const maxDeleted = 100

func (s *Server) deleteAccounts(ctx context.Context, c *call, req adminapi.AccountDeletion) (adminapi.DeletedAccounts, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.DeletedAccounts{}, err
	}
	ids := texts[account.UserID](req.UserIDs)
	switch {
	case len(ids) == 0:
		return adminapi.DeletedAccounts{}, bad("userids is empty; give the ids of the accounts to delete")
	case len(ids) > maxDeleted:
		return adminapi.DeletedAccounts{}, &problemError{tooLarge, fmt.Sprintf("userids has %d ids; give at most %d in one call", len(ids), maxDeleted)}
	}
	results, err := s.dir.DeleteAccounts(ctx, c.actor(), app, ids)
	if err != nil {
		return adminapi.DeletedAccounts{}, err
	}
	return showDeleted(ids, results), nil
}

func showDeleted(ids []account.UserID, results []directory.Result) adminapi.DeletedAccounts {
	shown := adminapi.DeletedAccounts{Results: make([]adminapi.AccountResult, len(ids))}
	for i, r := range results {
		shown.Results[i] = showResult(ids[i], r)
		if r.Code == account.OK {
			shown.Deleted++
		}
	}
	return shown
}

func showResult(id account.UserID, r directory.Result) adminapi.AccountResult {
	shown := adminapi.AccountResult{UserID: string(id)}
	if err := r.Err(); err != nil {
		slug, reason := classify(err)
		shown.Code, shown.Reason = slug.Name, reason
	}
	return shown
}
