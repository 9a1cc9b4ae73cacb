package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"rollcall/internal/loadgen"
)

// Workloads of stepPages: one page of [pageSize] accounts in a call, over one connection.
const (
	firstPage = "page-first"
	lastPage  = "page-last" // the 10,000th of a million accounts
)

const (
	pageSize = 100
	walkSize = 1000 // of the pages on the way to the last one
)

// pages reads the first and the last page by turns, for the time of a slice.
func (b *bench) pages(ctx context.Context, st *Stage, t turn) error {
	s := b.round.subjects[t.server].(*nodes)
	p := &pager{base: fmt.Sprintf("%s/admin/v1/apps/%d/accounts", s.first.address, s.first.context.SDKAppID), token: s.first.context.AdminToken}
	if err := s.database.prepare(ctx, t.step); err != nil {
		return err
	}
	cursor, err := p.walk(ctx, st.Accounts)
	if err != nil {
		return err
	}
	of := map[string]*loadgen.Result{}
	for _, name := range []string{firstPage, lastPage} {
		of[name] = &loadgen.Result{Workload: name, Latency: new(loadgen.Histogram)}
	}
	for began := time.Now(); time.Since(began) < b.Plan.Slice; {
		for name, cursor := range map[string]string{firstPage: "", lastPage: cursor} {
			if err := p.time(ctx, cursor, of[name]); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{firstPage, lastPage} {
		sample := newSample(of[name], cpu{})
		b.add(sample, t, st)
		b.say("round %d  %-19s %-20s %9.3f ms median  %6d calls", b.round.number+1, t.server, name, sample.P50, sample.Calls)
	}
	return nil
}

// A pager lists the accounts of an app by the admin API.
type pager struct {
	base, token string
}

// walk returns the cursor of the last page of n accounts.
func (p *pager) walk(ctx context.Context, n int64) (cursor string, err error) {
	for left := n; left > pageSize; {
		limit := int64(walkSize)
		if left <= walkSize {
			limit = min(pageSize, left-pageSize)
		}
		if cursor, err = p.page(ctx, limit, cursor); err != nil {
			return "", err
		}
		if cursor == "" {
			return "", fmt.Errorf("the list ends %d accounts before its end", left)
		}
		left -= limit
	}
	return cursor, nil
}

// time reads a page and records its time.
func (p *pager) time(ctx context.Context, cursor string, res *loadgen.Result) error {
	began := time.Now()
	if _, err := p.page(ctx, pageSize, cursor); err != nil {
		return err
	}
	took := time.Since(began)
	res.Latency.Record(took)
	res.Elapsed += took
	res.Calls++
	res.Accounts += pageSize
	return nil
}

// page reads a page of limit accounts and returns the cursor of the next one.
func (p *pager) page(ctx context.Context, limit int64, cursor string) (next string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s?limit=%d&cursor=%s", p.base, limit, url.QueryEscape(cursor)), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var page struct {
		Accounts   []json.RawMessage `json:"accounts"`
		NextCursor string            `json:"next_cursor"`
	}
	if err := json.Unmarshal(body, &page); err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d, response %.300s", resp.StatusCode, body)
	}
	if int64(len(page.Accounts)) != limit {
		return "", fmt.Errorf("the page has %d accounts, want %d", len(page.Accounts), limit)
	}
	return page.NextCursor, nil
}
