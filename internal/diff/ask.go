package diff

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rollcall/client"
)

// An API is the account API of an app, which can be asked about ids but lists none.
type API interface {
	// CheckAccounts says which of 1 to [client.MaxBatch] ids exist.
	CheckAccounts(ctx context.Context, userIDs []string) ([]client.CheckResult, error)

	// GetProfile returns the profiles of 1 to [client.MaxBatch] accounts.
	GetProfile(ctx context.Context, userIDs []string, tags ...string) ([]client.Profile, error)
}

// Asking says how to ask an API.
type Asking struct {
	API      API
	Tags     []string // tags to ask for besides the standard ones
	Rate     float64  // calls of each command per second, at most
	InFlight int      // batches at once
	Swap     bool     // the API is A, not B
	Progress func(rows int64)
}

// Ask compares accounts with an API, which is asked about each of them, 100 at a time.
// Accounts that only the API has are not seen.
func (c *Comparison) Ask(ctx context.Context, rows Rows, o Asking) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	a := &asker{o: o, check: newPacer(o.Rate), profile: newPacer(o.Rate)}
	batches := make(chan *batch, o.InFlight)
	var failure error
	wg.Go(func() {
		defer close(batches)
		failure = a.read(ctx, rows, func(b *batch) bool {
			wg.Go(func() { b.answer <- a.ask(ctx, b) })
			select {
			case batches <- b:
				return true
			case <-ctx.Done():
				return false
			}
		})
	})
	for b := range batches {
		if err := <-b.answer; err != nil {
			return err
		}
		if err := c.batch(b, o.Swap); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(max(c.Counts.A, c.Counts.B))
		}
	}
	if failure == nil {
		failure = ctx.Err()
	}
	return failure
}

// batch compares the accounts of a batch with the answers.
func (c *Comparison) batch(b *batch, swap bool) error {
	for i, row := range b.rows {
		x, y := row, b.found[i]
		if swap {
			x, y = y, x
		}
		if err := c.pair(x, y); err != nil {
			return err
		}
	}
	return nil
}

// A batch is a part of the accounts, and what the API says of them.
type batch struct {
	rows   []*Row
	found  []*Row // nil where there is no account
	answer chan error
}

// An asker asks an API.
type asker struct {
	o              Asking
	check, profile *pacer
}

// read passes on rows in batches until do returns false.
func (a *asker) read(ctx context.Context, rows Rows, do func(*batch) bool) error {
	newBatch := func() *batch { return &batch{answer: make(chan error, 1)} }
	b := newBatch()
	for row, err := range rows {
		if err != nil {
			return err
		}
		if b.rows = append(b.rows, row.clone()); len(b.rows) < client.MaxBatch {
			continue
		}
		if !do(b) {
			return ctx.Err()
		}
		b = newBatch()
	}
	if len(b.rows) > 0 {
		do(b)
	}
	return nil
}

// ask fills in which accounts of b the API has.
func (a *asker) ask(ctx context.Context, b *batch) error {
	b.found = make([]*Row, len(b.rows))
	ids := make([]string, len(b.rows))
	for i, row := range b.rows {
		ids[i] = string(row.ID)
	}
	if err := a.check.wait(ctx); err != nil {
		return err
	}
	results, err := a.o.API.CheckAccounts(ctx, ids)
	if err != nil {
		return err
	}
	there, err := existing(ids, results)
	if err != nil || len(there) == 0 {
		return err
	}
	if err := a.profile.wait(ctx); err != nil {
		return err
	}
	profiles, err := a.o.API.GetProfile(ctx, there, slices.Concat(client.StandardTags(), a.o.Tags)...)
	if err != nil {
		return err
	}
	if len(profiles) != len(there) {
		return fmt.Errorf("portrait_get answers about %d of %d ids: repeat the command", len(profiles), len(there))
	}
	byID := map[string]*client.Profile{}
	for i := range profiles {
		p := &profiles[i]
		if p.Code != 0 && p.Code != client.CodeProfileNoAccount { // which is deleted meanwhile
			return unanswered("portrait_get", p.UserID, p.Code, p.Info)
		}
		byID[p.UserID] = p
	}
	for i, id := range ids {
		if p := byID[id]; p != nil && p.Code == 0 {
			b.found[i] = rowOf(p)
		}
	}
	return nil
}

// existing returns which ids exist, according to the results of account_check. An id without
// an answer is an error: it may exist.
func existing(ids []string, results []client.CheckResult) (there []string, err error) {
	if len(results) != len(ids) {
		return nil, fmt.Errorf("account_check answers about %d of %d ids: repeat the command", len(results), len(ids))
	}
	for _, r := range results {
		switch {
		case r.Imported:
			there = append(there, r.UserID)
		case r.Code != 0 && r.Code != client.CodeBadParameter: // which no account can have
			return nil, unanswered("account_check", r.UserID, r.Code, r.Info)
		}
	}
	return there, nil
}

// unanswered returns the error of an id of which it is unknown whether it exists.
func unanswered(command, id string, code client.Code, info string) error {
	return fmt.Errorf("%s does not answer about %q: %d %s", command, id, code, info)
}

// rowOf returns the account of a profile.
func rowOf(p *client.Profile) *Row {
	r := &Row{ID: []byte(p.UserID)}
	for _, f := range p.Fields {
		switch {
		case f.Tag == client.TagNick:
			r.Nick = []byte(f.Text)
		case f.Tag == client.TagImage:
			r.FaceURL = []byte(f.Text)
		case f.IsNumber:
			r.Tags = append(r.Tags, Tag{f.Tag, strconv.FormatUint(f.Number, 10), true})
		case f.Text != "":
			r.Tags = append(r.Tags, Tag{f.Tag, f.Text, false})
		}
	}
	slices.SortFunc(r.Tags, func(a, b Tag) int { return strings.Compare(a.Name, b.Name) })
	return r
}

// A pacer spreads calls evenly over time.
type pacer struct {
	mu   sync.Mutex
	gap  time.Duration // between calls; 0 for no limit
	next time.Time
}

func newPacer(rate float64) *pacer {
	if rate <= 0 {
		return new(pacer)
	}
	return &pacer{gap: time.Duration(float64(time.Second) / rate)}
}

// wait waits for the turn of a call.
func (p *pacer) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	turn := p.next
	p.next = p.next.Add(p.gap)
	p.mu.Unlock()
	timer := time.NewTimer(turn.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
