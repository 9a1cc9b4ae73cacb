package records

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/seal"
)

// missingShared returns an error if file does not exist and other servers of the engine have
// a file of keys already.
func missingShared(ctx context.Context, e account.Records, file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return nil // reading it tells more
	}
	page, err := e.Records(ctx, account.RecordQuery{Kind: kindSealKey, Limit: 1})
	if err != nil || len(page.Records) == 0 {
		return err
	}
	return fmt.Errorf("the file of sealing keys %s is missing, and other servers use the database with theirs; copy it from the data directory of one of them, and the file of --admin-token-file, such as admin.token, too", file)
}

// shareKeys adds the fingerprints of the keys that the engine does not know. It returns an
// error if the engine knows another key of the same version.
func shareKeys(ctx context.Context, e account.Records, ring *seal.Ring) error {
	prints := ring.Fingerprints()
	for _, version := range slices.Sorted(maps.Keys(prints)) {
		known, err := sharePrint(ctx, e, strconv.Itoa(version), prints[version])
		if err != nil {
			return err
		}
		if known != prints[version] {
			return fmt.Errorf("the file of sealing keys %s has another key of version %d than the other servers of the database; copy the file from the data directory of one of them", ring.Name(), version)
		}
	}
	return nil
}

// sharePrint returns the fingerprint of a version that the engine knows. If it knows none,
// that is print from then on.
func sharePrint(ctx context.Context, e account.Records, version, print string) (string, error) {
	for {
		rec, err := e.Record(ctx, kindSealKey, version)
		if err == nil {
			return string(rec.Value), nil
		}
		if account.CodeOf(err) != account.NoRecord {
			return "", err
		}
		_, err = e.Commit(ctx, account.Commit{Writes: []account.Write{{Kind: kindSealKey, Key: version, Value: []byte(print)}}})
		if account.CodeOf(err) != account.Stale { // another server was faster
			return print, err
		}
	}
}

// ReadKeys reads the sealing keys in file, which may have more keys than at the start. The
// Registry goes on with its keys until [Registry.UseKeys]. The error is one sentence: a key
// of the start must not be missing, because secrets may be sealed with it.
func (r *Registry) ReadKeys(file string) (*seal.Ring, error) {
	next, err := seal.ReadRing(file)
	if err != nil {
		return nil, err
	}
	prints := next.Fingerprints()
	for version, print := range r.ring.Load().Fingerprints() {
		if prints[version] != print {
			return nil, fmt.Errorf("the file of sealing keys %s has no longer the key of version %d that the server uses: restore the line, and restart the server to remove a key", file, version)
		}
	}
	return next, nil
}

// UseKeys seals with the newest key of ring from now on, and reports whether ring has more
// keys than before. ring comes from [Registry.ReadKeys]. With shared, other servers use the
// engine too, and UseKeys refuses keys that differ from theirs.
func (r *Registry) UseKeys(ctx context.Context, ring *seal.Ring, shared bool) (added bool, err error) {
	if len(ring.Fingerprints()) == len(r.ring.Load().Fingerprints()) {
		return false, nil
	}
	if shared {
		if err := shareKeys(ctx, r.e, ring); err != nil {
			return false, err
		}
	}
	r.ring.Store(ring)
	return true, nil
}
