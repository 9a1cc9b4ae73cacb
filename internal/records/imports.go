package records

import (
	"context"
	"time"

	"rollcall/internal/account"
)

// MaxImports is how many imports of an app are kept. They fit into one commit with their
// progress. Nodes of one store that begin imports at the same moment can exceed it by one
// each.
const MaxImports = 200

// MaxListed is how many rejections of an import are kept. Further ones are only counted.
const MaxListed = 1_000_000

// An Import is a bulk import of accounts. How far it is, is a record of its own; see
// [ImportProgress]. The two differ in how they are written: an Import by compare-and-set,
// its progress together with the accounts.
type Import struct {
	App     account.AppID `json:"app"`
	Key     string        `json:"key"`
	ID      string        `json:"id"` // random; an import that gets the key after a removal has another one
	Actor   string        `json:"actor"`
	Created time.Time     `json:"created"`

	// AppCreated is the time at which the app was created. An import whose app was removed
	// is worthless, even if another app has the same number.
	AppCreated time.Time `json:"app_created"`

	Job   *ImportJob `json:"job,omitempty"` // nil for a stream
	Rate  int64      `json:"rate,omitempty"`
	Pause bool       `json:"pause,omitempty"`

	// Owner is the node and the task that works on the import, until Until.
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`

	Ended    string    `json:"ended,omitempty"` // final state; "" until then
	Error    string    `json:"error,omitempty"`
	Finished time.Time `json:"finished,omitzero"`
}

// An ImportJob is the file that a job reads, and what is known of its form.
type ImportJob struct {
	File      string            `json:"file"`             // below the directory of imports, or the name of an upload
	Upload    bool              `json:"upload,omitempty"` // the content is a file named after the ID
	Node      string            `json:"node,omitempty"`   // node that has the file, if several share the store
	Format    string            `json:"format,omitempty"`
	Encoding  string            `json:"encoding,omitempty"`
	Delimiter string            `json:"delimiter,omitempty"`
	Sheet     string            `json:"sheet,omitempty"`
	Map       map[string]string `json:"map,omitempty"`
	Ignore    []string          `json:"ignore,omitempty"`

	// Size, Modified and Digest identify the content. Digest is the SHA-256 of the size and
	// of both ends of the file.
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Digest   string    `json:"digest"`
}

// An ImportProgress says how far an import is. The zero value is that of a new one.
type ImportProgress struct {
	Row      int64     `json:"row"` // every row up to it is imported or rejected
	Imported int64     `json:"imported"`
	Created  int64     `json:"created"`
	Failed   int64     `json:"failed"`
	Listed   int64     `json:"listed"` // of Failed, those that are kept
	At       time.Time `json:"at"`
}

func importKey(app account.AppID, key string) string { return appPrefix(app) + key }

// CreateImport stores a new import, and adds by to the audit trail, in one commit.
//
// Codes: Exists.
func (r *Registry) CreateImport(ctx context.Context, i Import, by account.AuditEntry) error {
	w := account.Write{Kind: kindImport, Key: importKey(i.App, i.Key), Value: encode(i)}
	_, err := r.e.Commit(ctx, account.Commit{Writes: withEntry(i.App, by, w)})
	if account.CodeOf(err) == account.Stale {
		return &account.Error{Code: account.Exists, Detail: "the app has an import with that key"}
	}
	return err
}

// Import returns the import of a key of an app.
//
// Codes: NoRecord.
func (r *Registry) Import(ctx context.Context, app account.AppID, key string) (*Import, error) {
	i, _, err := r.storedImport(ctx, app, key)
	return i, err
}

func (r *Registry) storedImport(ctx context.Context, app account.AppID, key string) (*Import, uint64, error) {
	rec, err := r.e.Record(ctx, kindImport, importKey(app, key))
	if err != nil {
		return nil, 0, err
	}
	i, err := decode[Import](rec.Value)
	if err != nil {
		return nil, 0, damaged(kindImport, rec.Key, err)
	}
	return i, rec.Version, nil
}

// ChangeImport applies fn to the import i and stores the result, and adds by to the audit
// trail unless it is nil. fn can run several times, because another change may come first.
// If it returns an error, nothing is stored and that error is returned. An import with the
// key of i that is another one counts as none.
//
// Codes: NoRecord, and those of fn.
func (r *Registry) ChangeImport(ctx context.Context, i *Import, fn func(*Import) error, by *account.AuditEntry) (*Import, error) {
	for {
		stored, version, err := r.storedImport(ctx, i.App, i.Key)
		if err == nil && stored.ID != i.ID {
			err = &account.Error{Code: account.NoRecord}
		}
		if err == nil {
			err = fn(stored)
		}
		if err != nil {
			return nil, err
		}
		ws := []account.Write{{Kind: kindImport, Key: importKey(i.App, i.Key), Value: encode(stored), If: version}}
		if by != nil {
			ws = withEntry(i.App, *by, ws...)
		}
		_, err = r.e.Commit(ctx, account.Commit{Writes: ws})
		switch account.CodeOf(err) {
		case account.OK:
			return stored, nil
		case account.Stale:
			continue
		}
		return nil, err
	}
}

// ImportChanges returns a number that differs after each change of an import, but not of
// its progress; see [account.Records.Changes].
func (r *Registry) ImportChanges() uint64 { return r.e.Changes(kindImport) }

// Imports returns imports of an app in the order of their keys, after the key after. next
// is the value of after for the next page, "" for the last one. App 0 means all apps, one
// after the other; after is then a value of next.
func (r *Registry) Imports(ctx context.Context, app account.AppID, after string, limit int) (list []*Import, next string, err error) {
	q := account.RecordQuery{Kind: kindImport, After: after, Limit: limit}
	if app != 0 {
		q.Prefix = appPrefix(app)
		if after != "" {
			q.After = importKey(app, after)
		}
	}
	page, err := r.e.Records(ctx, q)
	if err != nil {
		return nil, "", err
	}
	for _, rec := range page.Records {
		i, err := decode[Import](rec.Value)
		if err != nil {
			return nil, "", damaged(kindImport, rec.Key, err)
		}
		list = append(list, i)
	}
	return list, page.Next[min(len(page.Next), len(q.Prefix)):], nil
}

// Progress returns how far an import is.
func (r *Registry) Progress(ctx context.Context, i *Import) (ImportProgress, error) {
	rec, err := r.e.Record(ctx, kindImportProgress, importKey(i.App, i.ID))
	if account.CodeOf(err) == account.NoRecord {
		return ImportProgress{}, nil
	}
	if err != nil {
		return ImportProgress{}, err
	}
	p, err := decode[ImportProgress](rec.Value)
	if err != nil {
		return ImportProgress{}, damaged(kindImportProgress, rec.Key, err)
	}
	return *p, nil
}

// ProgressWrites returns the writes of a progress and of the rejections that it counts in
// addition to the progress before. They belong to the commit of the rows. Rejected is
// sorted by row. No write has a condition, so an outbox can return them.
func (i *Import) ProgressWrites(p ImportProgress, rejected []Rejection) []account.Write {
	ws := []account.Write{{Kind: kindImportProgress, Key: importKey(i.App, i.ID), Value: encode(p), If: account.AnyVersion}}
	return append(ws, i.rejectedWrites(rejected)...)
}

// CommitProgress stores a progress for rows without a change of accounts. No writes cause
// no commit.
func (r *Registry) CommitProgress(ctx context.Context, ws []account.Write) error {
	if len(ws) == 0 {
		return nil
	}
	_, err := r.e.Commit(ctx, account.Commit{Writes: ws})
	return err
}

// DropImports returns the writes that remove all imports of an app, for a commit that makes
// their result void. What they leave behind, [Registry.SweepImports] removes.
func (r *Registry) DropImports(ctx context.Context, app account.AppID) (ws []account.Write, err error) {
	list, _, err := r.Imports(ctx, app, "", account.MaxListLimit)
	for _, i := range list {
		ws = append(ws, account.Write{Kind: kindImport, Key: importKey(app, i.Key), If: account.AnyVersion})
	}
	return ws, err
}

// RemoveImport removes an import with everything that belongs to it, and reports whether it
// is gone. It is not if it was changed meanwhile. What a crash leaves behind,
// [Registry.SweepImports] removes.
func (r *Registry) RemoveImport(ctx context.Context, i *Import) (removed bool, err error) {
	stored, version, err := r.storedImport(ctx, i.App, i.Key)
	if err == nil && stored.ID == i.ID { // otherwise the key belongs to another import
		w := account.Write{Kind: kindImport, Key: importKey(i.App, i.Key), If: version}
		_, err = r.e.Commit(ctx, account.Commit{Writes: []account.Write{w}})
	}
	switch account.CodeOf(err) {
	case account.OK, account.NoRecord:
		return true, r.removeRest(ctx, importKey(i.App, i.ID))
	case account.Stale:
		return false, nil
	}
	return false, err
}

// removeRest removes the rejections and then the progress of the import with this key.
func (r *Registry) removeRest(ctx context.Context, key string) error {
	q := account.RecordQuery{Kind: kindImportRejected, Prefix: key + "/", Limit: 8}
	for {
		page, err := r.e.Records(ctx, q)
		if err != nil {
			return err
		}
		var ws []account.Write
		for _, rec := range page.Records {
			ws = append(ws, account.Write{Kind: kindImportRejected, Key: rec.Key, If: account.AnyVersion})
		}
		if page.Next == "" {
			ws = append(ws, account.Write{Kind: kindImportProgress, Key: key, If: account.AnyVersion})
		}
		if err := r.CommitProgress(ctx, ws); err != nil || page.Next == "" {
			return err
		}
	}
}

// SweepImports removes what imports have left that do not exist any more. known contains
// the IDs of those that exist. An import that has made progress after before is left alone,
// because it can be newer than known.
func (r *Registry) SweepImports(ctx context.Context, known map[string]bool, before time.Time) error {
	for q := (account.RecordQuery{Kind: kindImportProgress, Limit: account.MaxListLimit}); ; {
		page, err := r.e.Records(ctx, q)
		if err != nil {
			return err
		}
		for _, rec := range page.Records {
			p, err := decode[ImportProgress](rec.Value)
			if err != nil || len(rec.Key) <= appKeyDigits || known[rec.Key[appKeyDigits+1:]] || p.At.After(before) {
				continue
			}
			if err := r.removeRest(ctx, rec.Key); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}
