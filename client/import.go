package client

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/wire"
)

// Largest number of items of a call (protocol.md §1.4).
const (
	MaxBatch  = wire.MaxBatch  // 100, for imports, checks, deletions and GetProfile
	MaxStatus = wire.MaxStatus // 500, for QueryOnlineStatus and QueryState
)

// An Account is an account to import.
type Account struct {
	UserID  string `json:"UserID"`            // 1 to 32 bytes of printable ASCII, case-sensitive
	Nick    string `json:"Nick,omitempty"`    // at most 500 bytes; empty keeps the stored one
	FaceURL string `json:"FaceUrl,omitempty"` // at most 500 bytes; empty keeps the stored one
}

// A Result is the result of one item of a batch.
type Result struct {
	UserID string `json:"userid"`
	Code   Code   `json:"code"`           // 0 means success
	Info   string `json:"info,omitempty"` // meaning of Code; empty if Code is 0
}

// failed returns the result of an item that failed. Without a text of the server it uses
// the text of the code.
func failed(userID string, c Code, info string) Result {
	if info == "" {
		info = c.Text()
	}
	return Result{userID, c, info}
}

// ImportAccount imports one account. If the account exists, ImportAccount changes its
// Nick and FaceURL. Its error always contains the reason of a failure, unlike the
// results of ImportAccounts.
func (c *Client) ImportAccount(ctx context.Context, a Account) error {
	_, err := c.call(ctx, "account_import", a, new(wire.ImportResponse))
	return err
}

// ImportAccounts imports 1 to [MaxBatch] accounts and returns a result for each, in
// the order of accounts. Only Rollcall gives the reason of a failed item. The vendor
// gives none, and the result is then [CodeUnexplained].
func (c *Client) ImportAccounts(ctx context.Context, accounts []Account) ([]Result, error) {
	req := struct{ AccountList []Account }{accounts}
	var resp wire.MultiImportResponse
	header, err := c.call(ctx, "multiaccount_import", req, &resp)
	if err != nil {
		return nil, err
	}
	return importResults(accounts, resp.FailAccounts, header), nil
}

// ImportAll imports any number of accounts, [MaxBatch] at a time, one call after the
// other. If a call fails, ImportAll stops and returns the results of the calls before
// it.
func (c *Client) ImportAll(ctx context.Context, accounts []Account) ([]Result, error) {
	results := make([]Result, 0, len(accounts))
	for batch := range slices.Chunk(accounts, MaxBatch) {
		r, err := c.ImportAccounts(ctx, batch)
		if err != nil {
			return results, err
		}
		results = append(results, r...)
	}
	return results, nil
}

// importResults returns a result for each account. It uses the reasons that Rollcall
// sends by index, or failIDs if there are none. failIDs cannot distinguish two accounts
// with the same id.
func importResults(accounts []Account, failIDs []string, header http.Header) []Result {
	reasons := explained(header.Get("Rollcall-Explain"))
	results := make([]Result, len(accounts))
	for i, a := range accounts {
		results[i].UserID = a.UserID
		switch reason, ok := reasons[i]; {
		case ok:
			results[i] = failed(a.UserID, reason, "")
		case len(reasons) == 0 && slices.Contains(failIDs, a.UserID):
			results[i] = failed(a.UserID, CodeUnexplained, "")
		}
	}
	return results
}

// explained parses the header Rollcall-Explain: pairs "index=code", separated by commas.
func explained(header string) map[int]Code {
	reasons := map[int]Code{}
	for part := range strings.SplitSeq(header, ",") {
		index, code, _ := strings.Cut(part, "=")
		i, err1 := strconv.Atoi(index)
		n, err2 := strconv.Atoi(code)
		if errors.Join(err1, err2) == nil {
			reasons[i] = Code(n)
		}
	}
	return reasons
}
