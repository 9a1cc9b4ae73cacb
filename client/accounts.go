package client

import (
	"context"

	"rollcall/internal/wire"
)

// A CheckResult says whether one account exists.
type CheckResult struct {
	UserID   string `json:"userid"`
	Imported bool   `json:"imported"`
	Code     Code   `json:"code,omitzero"` // not 0 if the id is invalid
	Info     string `json:"info,omitempty"`
}

// idItem names one account in a batch.
type idItem struct{ UserID string }

func idItems(userIDs []string) []idItem {
	items := make([]idItem, len(userIDs))
	for i, id := range userIDs {
		items[i].UserID = id
	}
	return items
}

// CheckAccounts returns which of 1 to [MaxBatch] accounts exist, in the order of
// userIDs. An account that does not exist is not an error.
func (c *Client) CheckAccounts(ctx context.Context, userIDs []string) ([]CheckResult, error) {
	req := struct{ CheckItem []idItem }{idItems(userIDs)}
	var resp wire.CheckResponse
	if _, err := c.call(ctx, "account_check", req, &resp); err != nil {
		return nil, err
	}
	results := make([]CheckResult, len(resp.ResultItem))
	for i, r := range resp.ResultItem {
		results[i] = CheckResult{r.UserID, r.AccountStatus == wire.Imported, Code(r.ResultCode), r.ResultInfo}
	}
	return results, nil
}

// DeleteAccounts deletes 1 to [MaxBatch] accounts and returns a result for each,
// in the order of userIDs. A deletion cannot be undone, and on paid editions the
// ids cannot be imported again for three months. The result of an unknown id is
// [CodeNoAccount].
func (c *Client) DeleteAccounts(ctx context.Context, userIDs []string) ([]Result, error) {
	req := struct{ DeleteItem []idItem }{idItems(userIDs)}
	var resp wire.DeleteResponse
	if _, err := c.call(ctx, "account_delete", req, &resp); err != nil {
		return nil, err
	}
	results := make([]Result, len(resp.ResultItem))
	for i, r := range resp.ResultItem {
		results[i] = Result{UserID: r.UserID}
		if r.ResultCode != wire.OK {
			results[i] = failed(r.UserID, Code(r.ResultCode), r.ResultInfo)
		}
	}
	return results, nil
}

// Kick signs out the devices of one account, and makes the server refuse every
// UserSig of the account that was signed before this second. Kick is not a ban: a
// new UserSig works. For an unknown id the error is an [*Error] with
// [CodeNoAccount].
func (c *Client) Kick(ctx context.Context, userID string) error {
	_, err := c.call(ctx, "kick", idItem{userID}, new(wire.ImportResponse))
	return err
}
