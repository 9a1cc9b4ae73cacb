package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"rollcall/internal/adminapi"
)

// MaxPage is the largest page of a list.
const MaxPage = 1000

// A page is one response of a list.
type page[T any] struct {
	items []T
	next  string // cursor of the next page; "" at the end
}

// pages iterates over a list, page by page. It ends after an error.
func pages[T any](fetch func(cursor string) (page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for cursor := ""; ; {
			p, err := fetch(cursor)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range p.items {
				if !yield(&p.items[i], nil) {
					return
				}
			}
			if cursor = p.next; cursor == "" {
				return
			}
		}
	}
}

// listQuery returns the query of one page.
func listQuery(limit int, cursor string) url.Values {
	q := url.Values{}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(min(limit, MaxPage)))
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return q
}

// Apps iterates over all apps in the order of their SDKAppIDs. It ends after an
// error. It needs the scope read.
func (c *AdminClient) Apps(ctx context.Context) iter.Seq2[*App, error] {
	return pages(func(cursor string) (page[App], error) {
		var resp adminapi.AppPage
		err := c.call(ctx, adminCall{method: http.MethodGet, path: "/apps", query: listQuery(0, cursor), resp: &resp})
		return page[App]{resp.Apps, resp.NextCursor}, err
	})
}

// An AccountQuery selects the accounts to list.
type AccountQuery struct {
	Prefix   string // only ids that start with it; "" for all ids
	PageSize int    // accounts per request, at most MaxPage; 0 means 100
}

// Accounts iterates over the accounts of an app in the order of their ids. Each page
// is a request of its own, so the list may or may not contain an account that is
// created or deleted meanwhile. Accounts ends after an error. It needs the scope
// read.
func (c *AdminClient) Accounts(ctx context.Context, sdkAppID uint32, q AccountQuery) iter.Seq2[*AccountRecord, error] {
	return pages(func(cursor string) (page[AccountRecord], error) {
		var resp adminapi.AccountPage
		query := listQuery(q.PageSize, cursor)
		if q.Prefix != "" {
			query.Set("prefix", q.Prefix)
		}
		err := c.call(ctx, adminCall{method: http.MethodGet, path: appPath(sdkAppID) + "/accounts", query: query, resp: &resp})
		return page[AccountRecord]{resp.Accounts, resp.NextCursor}, err
	})
}

// An AuditEntry records one change and its actor. Actor is the name of a token, or
// "serve". Detail is for people, and contains no secret.
type AuditEntry = adminapi.Entry

// An AuditQuery selects the entries to list.
type AuditQuery struct {
	SDKAppID uint32 // only entries of this app; 0 for all entries
	Actor    string // only entries of this actor; "" for all entries
	Action   string // only entries of this action, as key.add, or of a group, as "key."; "" for all entries
	PageSize int    // entries per request, at most MaxPage; 0 means 100
}

// Audit iterates over the audit trail, newest entry first. It ends after an error.
// It needs the scope read.
func (c *AdminClient) Audit(ctx context.Context, q AuditQuery) iter.Seq2[*AuditEntry, error] {
	return pages(func(cursor string) (page[AuditEntry], error) {
		var resp adminapi.AuditPage
		query := listQuery(q.PageSize, cursor)
		if q.SDKAppID != 0 {
			query.Set("sdkappid", strconv.FormatUint(uint64(q.SDKAppID), 10))
		}
		for name, value := range map[string]string{"actor": q.Actor, "action": q.Action} {
			if value != "" {
				query.Set(name, value)
			}
		}
		err := c.call(ctx, adminCall{method: http.MethodGet, path: "/audit", query: query, resp: &resp})
		return page[AuditEntry]{resp.Entries, resp.NextCursor}, err
	})
}
