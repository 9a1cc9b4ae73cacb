package copying

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/digest"
)

// Contents is what a store contains, as far as a copy takes it over.
type Contents struct {
	Apps     []AppContents // in the order of their ids
	Accounts int64         // of all apps
	Deleted  int64         // deleted ids of all apps

	// Digest is that of all accounts, which "rollcall backup verify" prints, and Gone that
	// of all deleted ids.
	Digest, Gone string

	Records map[account.Kind]Kind
}

// An AppContents is what a store contains of the ids of an app.
type AppContents struct {
	App               account.AppID
	Accounts, Deleted int64
	digest, gone      string // of all apps up to this one
}

// A Kind is what a store contains of a kind of records.
type Kind struct {
	Count  int64
	Digest string // of the keys and values
}

// A reader reads everything in a store.
type reader struct {
	engine   account.Engine
	exporter account.Exporter
	keys     *seal.Ring // opens the secrets of apps before they are compared; nil if they are the same as they are
	wait     time.Duration
	name     string
	tracker  *tracker
}

// contents reads everything.
func (r *reader) contents(ctx context.Context) (*Contents, error) {
	c := &Contents{Records: map[account.Kind]Kind{}}
	for _, kind := range records.CopiedKinds() {
		k, err := r.kind(ctx, kind)
		if err != nil {
			return nil, err
		}
		if k.Count > 0 {
			c.Records[kind] = k
		}
	}
	var apps []*account.App
	err := r.patient().read(ctx, func() (err error) {
		apps, err = records.New(r.engine, nil).Apps(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	live, gone := digest.New(), digest.New()
	for _, a := range apps {
		x := AppContents{App: a.ID}
		if err := r.app(ctx, &x, live, gone); err != nil {
			return nil, err
		}
		x.digest, x.gone = live.String(), gone.String()
		c.Apps = append(c.Apps, x)
		c.Accounts += x.Accounts
		c.Deleted += x.Deleted
	}
	c.Digest, c.Gone = live.String(), gone.String()
	return c, nil
}

// reported is how many rows are read before they are reported.
const reported = 10_000

// app adds the ids of an app to the digests.
func (r *reader) app(ctx context.Context, x *AppContents, live, gone *digest.Digest) error {
	unreported := int64(0)
	defer func() { r.tracker.add(unreported) }()
	for e, err := range rows(ctx, r.exporter, x.App, "", r.patient()) {
		if err != nil {
			return err
		}
		if e.Gone() {
			gone.AddGone(x.App, e)
			x.Deleted++
		} else {
			live.Add(x.App, &e.Account)
			x.Accounts++
		}
		if unreported++; unreported == reported {
			r.tracker.add(unreported)
			unreported = 0
		}
	}
	return nil
}

// kind returns what the store contains of a kind.
func (r *reader) kind(ctx context.Context, kind account.Kind) (k Kind, err error) {
	sum := sha256.New()
	err = r.patient().eachPage(ctx, r.engine, account.RecordQuery{Kind: kind}, func(rs []account.Record) error {
		for _, rec := range rs {
			value, err := r.value(kind, rec)
			if err != nil {
				return err
			}
			addText(sum, []byte(rec.Key))
			addText(sum, value)
		}
		k.Count += int64(len(rs))
		return nil
	})
	k.Digest = hex.EncodeToString(sum.Sum(nil))
	return k, err
}

// addText adds a text with its length.
func addText(sum hash.Hash, text []byte) {
	_, _ = sum.Write(binary.AppendUvarint(nil, uint64(len(text)))) // a hash never fails
	_, _ = sum.Write(text)
}

// value returns what is compared of a record: of an app and a webhook the opened secrets,
// because sealing the same secret twice has different results.
func (r *reader) value(kind account.Kind, rec account.Record) ([]byte, error) {
	if r.keys != nil && records.IsWebhook(kind) {
		return records.OpenedWebhook(rec, r.keys)
	}
	if r.keys == nil || !records.IsApp(kind) {
		return rec.Value, nil
	}
	stored, err := records.ReadAppRecord(rec)
	if err != nil {
		return nil, err
	}
	open, err := stored.Opened(r.keys)
	if err != nil {
		return nil, err
	}
	return records.Encoded(open), nil
}
