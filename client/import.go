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

// Most items of a call (protocol.md §1.4).
const (
	MaxBatch  = wire.MaxBatch  // 100: of import, check, delete and of GetProfile
	MaxStatus = wire.MaxStatus // 500: of QueryOnlineStatus and QueryState
)

// An Account is what an import says about one account.
type Account struct {
	UserID  string `json:"UserID"`            // 1 to 32 bytes of printable ASCII, case-sensitive
	Nick    string `json:"Nick,omitempty"`    // at most 500 bytes; empty leaves what is stored
	FaceURL string `json:"FaceUrl,omitempty"` // likewise
}

// A Result is what became of one item of a batch.
type Result struct {
	UserID string `json:"userid"`
	Code   Code   `json:"code"`           // 0: done
	Info   string `json:"info,omitempty"` // what Code means; empty if it is 0
}

// failed returns the result for an item that failed. The text is the server's,
// or what is known of the code.
func failed(userID string, c Code, info string) Result {
	if info == "" {
		info = c.Text()
	}
	return Result{userID, c, info}
}

// ImportAccount imports one account, or gives one that exists a new Nick and
// FaceURL. It is the command to learn the reason of a failure from.
func (c *Client) ImportAccount(ctx context.Context, a Account) error {
	_, err := c.call(ctx, "account_import", a, new(wire.ImportResponse))
	return err
}

// ImportAccounts imports 1 to [MaxBatch] accounts and returns a result for each,
// in the order of accounts. Only Rollcall says why an item failed; from the
// vendor it is [CodeUnexplained].
func (c *Client) ImportAccounts(ctx context.Context, accounts []Account) ([]Result, error) {
	req := struct{ AccountList []Account }{accounts}
	var resp wire.MultiImportResponse
	header, err := c.call(ctx, "multiaccount_import", req, &resp)
	if err != nil {
		return nil, err
	}
	return importResults(accounts, resp.FailAccounts, header), nil
}

// ImportAll imports any number of accounts, [MaxBatch] at a time, one call after
// the other. If a call fails it stops: the results are those of the calls
// before it.
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

// importResults says for each account whether it is among failIDs, and why. Of
// an id that stands in the batch more than once, only Rollcall tells which.
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

// explained reads the header Rollcall-Explain, "index=code" with commas between.
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
