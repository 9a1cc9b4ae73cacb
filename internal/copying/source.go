package copying

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// A source is what a copy knows of the store that it reads.
type source struct {
	apps     []sourceApp // in the order of their ids
	accounts int64       // of all apps
	numbers  account.Numbers
	identity string // differs for another store, and for most changes of this one
}

// A sourceApp is an app of the source.
type sourceApp struct {
	id     account.AppID
	admins []account.UserID
	count  int64 // accounts
}

// countAll returns the number of accounts of all apps of a store.
func countAll(ctx context.Context, e account.Engine) (total int64, err error) {
	apps, err := records.New(e, nil).Apps(ctx)
	if err != nil {
		return 0, err
	}
	for _, a := range apps {
		n, err := e.Count(ctx, a.ID)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// survey reads the apps of the source, and opens their secrets if there are keys.
func survey(ctx context.Context, o Options) (*source, error) {
	switch known, err := records.UnfinishedCopy(ctx, o.From); {
	case err != nil:
		return nil, err
	case known != nil:
		return nil, refuse("%s is an unfinished copy of %s: complete it before you copy it", o.FromName, known.From)
	}
	apps, err := records.New(o.From, o.FromKeys).Apps(ctx)
	if e, ok := errors.AsType[*account.Error](err); ok && e.Code == account.Internal && e.Detail != "" {
		return nil, refuse("%s", e.Detail) // a secret, or a record, that cannot be read
	}
	if err != nil {
		return nil, err
	}
	s := new(source)
	if l, ok := account.Find[account.Loader](o.From); ok {
		if s.numbers, err = l.Numbers(ctx); err != nil {
			return nil, err
		}
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %d\n", s.numbers.Commit, s.numbers.InternalID)
	for _, a := range apps {
		n, err := o.From.Count(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		s.apps = append(s.apps, sourceApp{a.ID, a.Admins, n})
		s.accounts += n
		fmt.Fprintf(sum, "%d %d %d\n", a.ID, a.Version, n)
	}
	s.identity = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}
