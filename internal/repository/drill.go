package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"rollcall/internal/account"
)

// Drilled is the result of [Repository.Drill].
type Drilled struct {
	ID        string           `json:"id"`
	Created   time.Time        `json:"created_at"`
	Bytes     int64            `json:"bytes"`
	Contents  account.Contents `json:"contents"` // as they were read from the restored store
	RestoreMS int64            `json:"restore_ms"`
	TookMS    int64            `json:"took_ms"`
}

// A Drill restores a backup for a trial.
type Drill struct {
	ID      string // "" for the newest backup whose time has come
	Scratch string // a directory that does not exist; it is removed at the end

	// Reserve is the number of bytes that stay free on the disk of Scratch.
	Reserve int64

	// Inspect opens the restored store and reads all of it.
	Inspect func(ctx context.Context, dir string) (*account.Contents, error)

	Progress Progress // of the restoration; may be nil
}

// Drill restores a backup into a scratch directory, reads the store and compares its
// contents with the description. An error says why the backup cannot be relied on.
func (r *Repository) Drill(ctx context.Context, d Drill) (result *Drilled, err error) {
	start := r.o.Now()
	if d.ID == "" {
		if d.ID, err = r.newestMade(ctx); err != nil {
			return nil, err
		}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.Scratch)) }()
	b, err := r.restoreBeside(ctx, d.ID, d.Scratch, d.Reserve, d.Progress)
	if err != nil {
		return nil, err
	}
	restored := r.o.Now().Sub(start).Milliseconds()
	found, err := d.Inspect(ctx, d.Scratch)
	if err != nil {
		return nil, fmt.Errorf("the store of the backup %s cannot be read: %w", b.ID, err)
	}
	if err := compare(&b.Contents, found); err != nil {
		return nil, fmt.Errorf("the backup %s has another content than was stored: %w", b.ID, err)
	}
	return &Drilled{
		ID: b.ID, Created: b.Created, Bytes: b.Bytes, Contents: *found,
		RestoreMS: restored, TookMS: r.o.Now().Sub(start).Milliseconds(),
	}, nil
}

// newestMade returns the ID of the newest backup whose time is not ahead. A wrong clock gives
// a backup such a time, and without this each drill would verify that backup. It returns the
// newest ID if all are ahead.
func (r *Repository) newestMade(ctx context.Context) (string, error) {
	ids, err := r.ids(ctx)
	if err != nil {
		return "", err
	}
	latest := r.o.Now().Add(maxAhead).UTC().Format(idLayout)
	for _, id := range slices.Backward(ids) {
		if id <= latest {
			return id, nil
		}
	}
	return r.Newest(ctx)
}

// compare compares the contents of a description with those that were found.
func compare(want, got *account.Contents) error {
	for _, n := range []struct {
		what      string
		want, got int64
	}{
		{"accounts", want.Accounts, got.Accounts},
		{"tombstones", want.Tombstones, got.Tombstones},
		{"accounts of no app", want.Orphans, got.Orphans},
		{"apps", want.Apps, got.Apps},
		{"tokens", want.Tokens, got.Tokens},
		{"audit entries", want.Audit, got.Audit},
	} {
		if n.want != n.got {
			return fmt.Errorf("%d %s instead of %d", n.got, n.what, n.want)
		}
	}
	if want.Digest != got.Digest {
		return fmt.Errorf("the digest %s instead of %s", got.Digest, want.Digest)
	}
	return nil
}
