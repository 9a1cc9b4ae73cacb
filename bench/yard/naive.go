package yard

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"time"
)

// A naiveStore keeps accounts in a database.
type naiveStore interface {
	// upsert imports items in one transaction with one statement for each. They
	// are durable when it returns.
	upsert(ctx context.Context, items []account) error

	// exists returns which ids exist, with one statement for each.
	exists(ctx context.Context, ids []string) ([]bool, error)
}

// schema is the table in all databases. It has four plain columns.
const schema = `CREATE TABLE accounts (
	userid     text PRIMARY KEY,
	nick       text NOT NULL,
	face_url   text NOT NULL,
	created_at bigint NOT NULL
)`

// An account is one item of an import or of a check.
type account struct {
	UserID, Nick, FaceUrl string //nolint:revive // as on the wire
}

// A naive server implements the account protocol in the most ordinary way: with
// encoding/json and a statement for each account. It checks neither signatures
// nor values.
type naive struct {
	store naiveStore
}

func (n *naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var resp any
		if resp, err = n.call(r.Context(), path.Base(r.URL.Path), body); err == nil {
			w.Header().Set("Content-Type", "application/json")
			err = json.NewEncoder(w).Encode(resp)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// A head begins every response.
type head struct {
	ActionStatus string
	ErrorCode    int
	ErrorInfo    string
}

func (n *naive) call(ctx context.Context, command string, body []byte) (any, error) {
	switch command {
	case "multiaccount_import":
		return n.multiImport(ctx, body)
	case "account_import":
		var one account
		if err := json.Unmarshal(body, &one); err != nil {
			return nil, err
		}
		return head{ActionStatus: "OK"}, n.store.upsert(ctx, []account{one})
	}
	return n.check(ctx, body)
}

func (n *naive) multiImport(ctx context.Context, body []byte) (any, error) {
	var req struct{ AccountList []account }
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, err
	}
	if err := n.store.upsert(ctx, req.AccountList); err != nil {
		return nil, err
	}
	return struct {
		head
		FailAccounts []string
	}{head{ActionStatus: "OK"}, []string{}}, nil
}

// A checked is the result of a check for one id.
type checked struct {
	UserID        string
	ResultCode    int
	ResultInfo    string
	AccountStatus string
}

func (n *naive) check(ctx context.Context, body []byte) (any, error) {
	var req struct{ CheckItem []account }
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, err
	}
	var ids []string
	for _, item := range req.CheckItem {
		ids = append(ids, item.UserID)
	}
	exists, err := n.store.exists(ctx, ids)
	if err != nil {
		return nil, err
	}
	resp := struct {
		head
		ResultItem []checked
	}{head: head{ActionStatus: "OK"}}
	for i, id := range ids {
		c := checked{UserID: id, AccountStatus: "NotImported"}
		if exists[i] {
			c.AccountStatus = "Imported"
		}
		resp.ResultItem = append(resp.ResultItem, c)
	}
	return resp, nil
}

func now() int64 { return time.Now().UnixMilli() }
