package records

import (
	"context"
	"fmt"
	"math"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/seal"
)

// A Copy is the state of a copy of another store into this one. Its record marks the store
// as unfinished, so that no server serves a part of the accounts.
type Copy struct {
	From   string    `json:"from"`   // name of the source, for people
	Source string    `json:"source"` // identifies the content of the source
	Begun  time.Time `json:"begun"`

	// Kind and After say how far the records are: those of lower kinds, and those of Kind
	// up to the key After, are copied.
	Kind  account.Kind `json:"kind"`
	After []byte       `json:"after"`

	version uint64 // of the record; 0 for a new copy
}

// copyKey is the key of the record of a [Copy].
const copyKey = "state"

// CopyLanes is the largest number of lanes of a copy.
const CopyLanes = 64

// Write returns the write that stores c.
func (c *Copy) Write() account.Write {
	return account.Write{Kind: kindCopy, Key: copyKey, Value: encode(c), If: account.AnyVersion}
}

// UnfinishedCopy returns the state of the copy into e that is not complete, or nil if there
// is none.
func UnfinishedCopy(ctx context.Context, e account.Records) (*Copy, error) {
	rec, err := e.Record(ctx, kindCopy, copyKey)
	if account.CodeOf(err) == account.NoRecord {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := decode[Copy](rec.Value)
	if err != nil {
		return nil, damaged(kindCopy, copyKey, err)
	}
	c.version = rec.Version
	return c, nil
}

// refuseUnfinished returns an error if e is an unfinished copy.
func refuseUnfinished(ctx context.Context, e account.Records) error {
	c, err := UnfinishedCopy(ctx, e)
	if err != nil || c == nil {
		return err
	}
	return fmt.Errorf("the store is an unfinished copy of %s, begun at %s: run the same \"rollcall copy\" again to complete it, or remove the store",
		c.From, c.Begun.UTC().Format(time.RFC3339))
}

// A CopyPart says how far a lane of a copy is with the accounts of an app. A copy writes
// with several lanes at once; each of them loads every n-th batch. Everything up to the
// smallest After of the lanes is copied.
type CopyPart struct {
	App  account.AppID `json:"app"`
	Lane int           `json:"lane"`

	After []byte `json:"after"`          // last id of the newest batch of the lane
	Rows  int64  `json:"rows"`           // of the app, up to that id
	Done  bool   `json:"done,omitempty"` // the whole app is copied
}

func (p *CopyPart) key() string { return fmt.Sprintf("part/%s%03d", appPrefix(p.App), p.Lane) }

// Write returns the write that stores p.
func (p *CopyPart) Write() account.Write {
	return account.Write{Kind: kindCopy, Key: p.key(), Value: encode(p), If: account.AnyVersion}
}

// Remove returns the write that removes p.
func (p *CopyPart) Remove() account.Write {
	return account.Write{Kind: kindCopy, Key: p.key(), If: account.AnyVersion}
}

// copyRunKey is the key of the name of the run that works on a copy. Each lane has a record
// of its own, so that the lanes can write it at the same time.
func copyRunKey(lane int) string { return fmt.Sprintf("run/%03d", lane) }

// Claim returns the writes that make run the only run of the copy c, for all lanes. They are
// refused with Stale if c has been changed or completed since it was read.
func (c *Copy) Claim(run string) []account.Write {
	mark := c.Write()
	mark.If = c.version
	ws := []account.Write{mark}
	for lane := range CopyLanes {
		ws = append(ws, HoldCopy(lane, run, account.AnyVersion))
	}
	return ws
}

// HoldCopy returns the write that keeps run the run of a lane. In a commit it refuses the
// whole commit with Stale if the record of [CopyRun] no longer has the version, as after the
// claim of another run.
func HoldCopy(lane int, run string, version uint64) account.Write {
	return account.Write{Kind: kindCopy, Key: copyRunKey(lane), Value: []byte(run), If: version}
}

// CopyRun returns the record with the name of the run that works on the copy into e, for a
// lane.
//
// Codes: NoRecord if there is none.
func CopyRun(ctx context.Context, e account.Records, lane int) (account.Record, error) {
	return e.Record(ctx, kindCopy, copyRunKey(lane))
}

// RemoveCopy returns the writes that remove the state of a copy, which completes it, if the
// record of the run of lane 0 still has a version.
func RemoveCopy(version uint64) []account.Write {
	ws := []account.Write{
		{Kind: kindCopy, Key: copyKey, If: account.AnyVersion},
		{Kind: kindCopy, Key: copyRunKey(0), If: version},
	}
	for lane := 1; lane < CopyLanes; lane++ {
		ws = append(ws, account.Write{Kind: kindCopy, Key: copyRunKey(lane), If: account.AnyVersion})
	}
	return ws
}

// CopyParts returns the parts of the copy into e, in the order of their apps.
func CopyParts(ctx context.Context, e account.Records) (ps []*CopyPart, err error) {
	for q := (account.RecordQuery{Kind: kindCopy, Prefix: "part/", Limit: account.MaxListLimit}); ; {
		page, err := e.Records(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Records {
			p, err := decode[CopyPart](rec.Value)
			if err != nil || p.key() != rec.Key {
				return nil, damaged(kindCopy, rec.Key, err)
			}
			ps = append(ps, p)
		}
		if q.After = page.Next; q.After == "" {
			return ps, nil
		}
	}
}

// CopiedKinds returns the kinds of records that a copy takes over, apps last: it writes
// them together with their spaces. A kind that this version does not know is taken over,
// too. Fingerprints of sealing keys are not: the servers of the copy may have other keys.
// Sessions are not either: they belong to the browsers and the address of the source, and
// their bearers can log in again.
func CopiedKinds() (kinds []account.Kind) {
	for k := 1; k <= math.MaxUint8; k++ {
		switch kind := account.Kind(k); kind {
		case kindCopy, kindSealKey, kindSession, kindApp:
		default:
			kinds = append(kinds, kind)
		}
	}
	return append(kinds, kindApp)
}

// Empty reports whether e contains no record but those of a copy. Accounts belong to apps,
// which are records.
func Empty(ctx context.Context, e account.Records) (bool, error) {
	for k := 1; k <= math.MaxUint8; k++ {
		if account.Kind(k) == kindCopy {
			continue
		}
		page, err := e.Records(ctx, account.RecordQuery{Kind: account.Kind(k), Limit: 1})
		if err != nil || len(page.Records) > 0 {
			return false, err
		}
	}
	return true, nil
}

// IsApp reports whether a kind is that of apps.
func IsApp(kind account.Kind) bool { return kind == kindApp }

// IsWebhook reports whether a kind is that of webhooks.
func IsWebhook(kind account.Kind) bool { return kind == kindWebhook }

// OpenedWebhook returns the value of the record of a webhook with opened secrets.
func OpenedWebhook(rec account.Record, ring *seal.Ring) ([]byte, error) {
	w, err := withKeys(ring).openWebhook(rec.Value)
	if err != nil {
		return nil, openError(rec, err)
	}
	return encode(w), nil
}

// ResealedWebhook returns the value of the record of a webhook with the secrets sealed by the
// keys of to, for secrets that from opens, and the number of sealed secrets. A nil to leaves
// them as they are.
func ResealedWebhook(rec account.Record, from, to *seal.Ring) (value []byte, sealed int, err error) {
	stored, err := decode[Webhook](rec.Value)
	if err != nil {
		return nil, 0, damaged(kindWebhook, rec.Key, err)
	}
	for _, k := range stored.keys() {
		if seal.Sealed(k) {
			sealed++
		}
	}
	if to == nil {
		return rec.Value, sealed, nil
	}
	w, err := withKeys(from).openWebhook(rec.Value)
	if err != nil {
		return nil, 0, openError(rec, err)
	}
	return withKeys(to).writeWebhook(*w, 0).Value, sealed, nil
}

// openError returns an error of openWebhook with a text for people.
func openError(rec account.Record, err error) error {
	if account.DetailOf(err) != "" {
		return err
	}
	return damaged(kindWebhook, rec.Key, err)
}

// An AppRecord is the record of an app as it is stored.
type AppRecord struct {
	Key   string
	Value []byte
	App   *account.App // secrets are as they are stored
}

// ReadAppRecord decodes the record of an app.
func ReadAppRecord(rec account.Record) (*AppRecord, error) {
	a, err := decode[account.App](rec.Value)
	if err != nil {
		return nil, damaged(kindApp, rec.Key, err)
	}
	return &AppRecord{rec.Key, rec.Value, a}, nil
}

// Sealed returns the number of sealed secrets of the app.
func (r *AppRecord) Sealed() (n int) {
	for _, k := range r.App.Keys {
		if seal.Sealed(k) {
			n++
		}
	}
	return n
}

// Opened returns the app with the secrets that ring opens. A nil ring leaves them as they
// are.
func (r *AppRecord) Opened(ring *seal.Ring) (*account.App, error) {
	return withKeys(ring).unseal(r.App)
}

// Resealed returns the value of the record with the secrets sealed by the keys of to, for
// secrets that from opens. Secrets that to opens remain as they are.
func (r *AppRecord) Resealed(from, to *seal.Ring) ([]byte, error) {
	open, err := r.Opened(from)
	if err != nil {
		return nil, err
	}
	sealed := withKeys(to).seal(open, r.App)
	return encode(sealed.Stored()), nil
}

// Write returns the write that stores value as the record of the app.
func (r *AppRecord) Write(value []byte) account.Write {
	return account.Write{Kind: kindApp, Key: r.Key, Value: value, If: account.AnyVersion}
}

// Encoded returns the JSON of an app with its secrets as they are in a.
func Encoded(a *account.App) []byte { return encode(a.Stored()) }
