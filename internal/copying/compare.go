package copying

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"sync"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// A Comparison is what two stores contain.
type Comparison struct {
	From, To *Contents
	First    string // the first difference, for people; "" if there is none
}

// Same reports whether the stores contain the same.
func (c *Comparison) Same() bool { return c.First == "" }

// Compare reads everything in both stores, in two goroutines, and compares it. The
// destination may be any engine that is an [account.Exporter].
func Compare(ctx context.Context, o Options) (*Comparison, error) {
	o = o.withDefaults()
	t := &tracker{report: o.Progress, state: State{Stage: Verifying}}
	from, err := newReader(o, o.From, o.FromName, t)
	if err != nil {
		return nil, err
	}
	to, err := newReader(o, o.To, o.ToName, t)
	if err != nil {
		return nil, err
	}
	if o.ToKeys != nil {
		from.keys, to.keys = o.FromKeys, o.ToKeys
	}
	if t.state.Total, err = from.total(ctx, to); err != nil {
		return nil, err
	}
	c := new(Comparison)
	if c.From, c.To, err = contentsOf(ctx, from, to); err != nil {
		return nil, ended(ctx, err)
	}
	c.First, err = difference(ctx, from, to, c)
	return c, ended(ctx, err)
}

// ended marks an error after the end of ctx.
func ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, ErrInterrupted) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrInterrupted, err)
}

func newReader(o Options, e account.Engine, name string, t *tracker) (*reader, error) {
	x, ok := account.Find[account.Exporter](e)
	if !ok {
		return nil, refuse("a store like %s cannot be compared", name)
	}
	return &reader{engine: e, exporter: x, wait: o.Wait, name: name, tracker: t}, nil
}

// contentsOf reads both stores at once.
func contentsOf(ctx context.Context, from, to *reader) (a, b *Contents, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	read := func(r *reader, c **Contents) {
		var err error
		if *c, err = r.contents(ctx); err != nil {
			cancel(err)
		}
	}
	wg.Go(func() { read(from, &a) })
	wg.Go(func() { read(to, &b) })
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	return a, b, nil
}

// difference returns the first difference of what was read, or "".
func difference(ctx context.Context, from, to *reader, c *Comparison) (string, error) {
	a, b := c.From, c.To
	for i := range max(len(a.Apps), len(b.Apps)) {
		switch {
		case i == len(b.Apps) || i < len(a.Apps) && a.Apps[i].App < b.Apps[i].App:
			return fmt.Sprintf("app %d is missing in %s", a.Apps[i].App, to.name), nil
		case i == len(a.Apps) || a.Apps[i].App > b.Apps[i].App:
			return fmt.Sprintf("app %d is missing in %s", b.Apps[i].App, from.name), nil
		case a.Apps[i] != b.Apps[i]:
			return firstRow(ctx, from, to, a.Apps[i].App)
		}
	}
	for kind := range 256 {
		k := account.Kind(kind)
		if x, y := a.Records[k], b.Records[k]; x != y {
			if x.Count == y.Count {
				return fmt.Sprintf("the %s have different contents", records.KindName(k)), nil
			}
			return fmt.Sprintf("%s has %d %s, and %s has %d", from.name, x.Count, records.KindName(k), to.name, y.Count), nil
		}
	}
	return "", nil
}

// firstRow finds the first id of an app that differs.
func firstRow(ctx context.Context, from, to *reader, app account.AppID) (string, error) {
	nextA, stopA := iter.Pull2(rows(ctx, from.exporter, app, "", from.patient()))
	defer stopA()
	nextB, stopB := iter.Pull2(rows(ctx, to.exporter, app, "", to.patient()))
	defer stopB()
	for {
		a, errA, okA := nextA()
		b, errB, okB := nextB()
		switch {
		case errA != nil || errB != nil:
			return "", errors.Join(errA, errB)
		case !okA && !okB:
			return fmt.Sprintf("the ids of app %d differed, and are the same now", app), nil
		case !okB || okA && a.ID < b.ID:
			return fmt.Sprintf("app %d: %s is missing in %s", app, account.Quote(a.ID), to.name), nil
		case !okA || a.ID > b.ID:
			return fmt.Sprintf("app %d: %s is missing in %s", app, account.Quote(b.ID), from.name), nil
		}
		if fields := differing(a, b); len(fields) > 0 {
			return fmt.Sprintf("app %d: %s differs in %s", app, account.Quote(a.ID), strings.Join(fields, ", ")), nil
		}
	}
}

// differing returns the names of the fields in which two rows of one id differ.
func differing(a, b *account.Exported) (names []string) {
	for _, f := range []struct {
		name string
		same bool
	}{
		{"the InternalID", a.InternalID == b.InternalID},
		{"Nick", a.Nick == b.Nick},
		{"FaceUrl", a.FaceURL == b.FaceURL},
		{"the profile", len(a.Profile) == len(b.Profile) && (len(a.Profile) == 0 || reflect.DeepEqual(a.Profile, b.Profile))},
		{"the time of creation", a.Created.Equal(b.Created)},
		{"the time of the last change", a.Updated.Equal(b.Updated)},
		{"the time of the last kick", a.Kicked == b.Kicked},
		{"the time of deletion", a.Deleted.Equal(b.Deleted)},
	} {
		if !f.same {
			names = append(names, f.name)
		}
	}
	return names
}

// total returns how many accounts two stores have together.
func (r *reader) total(ctx context.Context, other *reader) (total int64, err error) {
	for _, x := range []*reader{r, other} {
		err := x.patient().read(ctx, func() error {
			n, err := countAll(ctx, x.engine)
			total += n
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}
