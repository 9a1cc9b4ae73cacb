package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/store/pebble/guard"
	"rollcall/internal/store/pebble/record"
)

// errDamaged returns the error for a directory whose content differs from what was written
// to it. Nothing in the directory has been changed.
func (o Options) errDamaged(d guard.Damage) error {
	return fmt.Errorf("the data directory %s is damaged: %w. It was left as it is. Restore a backup; \"rollcall store accept\" shows what can still be read", o.Dir, d)
}

// failed returns the error for an operation on the directory that ended with err. Pebble's
// own errors of damage name no file and have several lines.
func (o Options) failed(doing string, err error) error {
	if damage, ok := errors.AsType[guard.Damage](err); ok {
		return fmt.Errorf("the data directory %s is damaged: %w. Restore a backup", o.Dir, damage)
	}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		return fmt.Errorf("the data directory %s is damaged: the file %s differs from what was written (%s). Restore a backup", o.Dir, o.FS.PathBase(info.Path), firstLine(info.Details))
	}
	if m := missingTable.FindStringSubmatch(err.Error()); m != nil && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the data directory %s is damaged: the file %s.sst is missing. Restore a backup", o.Dir, m[1])
	}
	return fmt.Errorf("%s the data directory %s: %w", doing, o.Dir, err)
}

// missingTable matches the error of Pebble for a table that the manifest names and that is
// missing.
var missingTable = regexp.MustCompile(`file (\d+) \(type sstable\) unknown`)

// firstLine returns the first line of an error's text.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// checkDamage compares the directory with the record of its logs and manifest, before
// Pebble can remove anything in it. It returns the record, or a new one if the directory
// contains no store or one of format 3.
func (o Options) checkDamage(lock *pebble.Lock, space *guard.Space) (*guard.Checksums, error) {
	fs := space.Watched(o.FS)
	if o.accept {
		return guard.NewChecksums(fs, o.Dir), nil
	}
	sums, err := guard.ReadChecksums(fs, o.Dir, o.readOnly)
	if err == nil && sums == nil {
		sums = guard.NewChecksums(fs, o.Dir)
		if err = o.checkUnrecorded(lock); err == nil {
			err = sums.Adopt()
		}
	}
	if damage, ok := errors.AsType[guard.Damage](err); ok {
		return nil, o.errDamaged(damage)
	}
	return sums, err
}

// checkAcceptable refuses directories that Accept cannot help: one that is not damaged,
// and one without the marker that points to the manifest.
func (o Options) checkAcceptable() error {
	names, err := o.FS.List(o.Dir)
	if err != nil {
		return fmt.Errorf("there is no store in %s: %w", o.Dir, cause(err))
	}
	sums, err := guard.ReadChecksums(o.FS, o.Dir, true)
	damage, damaged := errors.AsType[guard.Damage](err)
	switch {
	case err != nil && !damaged:
		return err
	case damaged && !slices.ContainsFunc(names, isManifestMarker):
		return fmt.Errorf("the data directory %s cannot be accepted: %w. Restore a backup", o.Dir, damage)
	case !damaged && sums != nil:
		return fmt.Errorf("the data directory %s is not damaged, so there is nothing to accept", o.Dir)
	}
	return nil
}

func isManifestMarker(name string) bool { return strings.HasPrefix(name, "marker.manifest.") }

// checkUnrecorded refuses a store without a record, unless it is of format 3, which had
// none. It opens Pebble read-only.
func (o Options) checkUnrecorded(lock *pebble.Lock) error {
	names, err := o.FS.List(o.Dir)
	if err != nil || !slices.ContainsFunc(names, isManifestMarker) {
		return err
	}
	failure := guard.NewFailure(o.Logger)
	var db *pebble.DB
	err = failure.Shielded(func() (err error) {
		db, err = pebble.Open(o.Dir, &pebble.Options{
			ReadOnly: true, FS: o.FS, Lock: lock, Merger: record.Merger,
			Logger: guard.NewLogger(o.Logger, failure, guard.NewErrors(o.Logger)),
		})
		return err
	}, 0)
	if err != nil {
		return o.failed("opening", err)
	}
	n, err := formatOf(db)
	if err == nil && n >= checkedFormat {
		err = guard.Damage("the file " + guard.ChecksumsFile + " is missing")
	}
	if err == nil && n == 0 {
		err = checkEmpty(db)
	}
	return errors.Join(err, db.Close())
}

// checkEmpty refuses data without a format, because part of such data must be missing.
func checkEmpty(db *pebble.DB) error {
	return iterate(db, nil, nil, func(it *pebble.Iterator) error {
		if it.First() {
			return guard.Damage("it has data, but no record of their format")
		}
		return nil
	})
}
