package bulk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

const (
	keepEnded = 7 * 24 * time.Hour  // imports that have ended
	keepIdle  = 30 * 24 * time.Hour // streams that nobody goes on with

	// youngest is the age of what belongs to no import and is removed. It may belong to one
	// that began after the list of imports was read.
	youngest = time.Hour
)

// tidy removes imports that ended long ago or whose app is gone, and what belongs to no
// import.
func (s *Service) tidy(ctx context.Context) error {
	known, waiting := map[string]bool{}, map[string]bool{}
	before := s.now().Add(-youngest)
	var errs []error
	err := s.each(ctx, func(i *records.Import) error {
		old, err := s.outdated(ctx, i)
		if err == nil && old {
			if old, err = s.records.RemoveImport(ctx, i); old && err == nil {
				s.dropUpload(i)
				return nil
			}
		}
		known[i.ID] = true
		waiting[i.ID] = i.Ended == ""
		errs = append(errs, err)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return errors.Join(append(errs, s.records.SweepImports(ctx, known, before), s.sweepUploads(waiting, before))...)
}

// outdated reports whether an import is not needed any more.
func (s *Service) outdated(ctx context.Context, i *records.Import) (bool, error) {
	switch _, err := s.app(ctx, i); account.CodeOf(err) {
	case account.OK:
	case account.NoApp:
		return true, nil
	default:
		return false, err
	}
	if i.Ended != "" {
		return s.now().Sub(i.Finished) > keepEnded, nil
	}
	if i.Job != nil || i.Pause {
		return false, nil
	}
	p, err := s.records.Progress(ctx, i)
	return err == nil && !s.owned(i) && s.now().Sub(latest(i.Created, p.At)) > keepIdle, err
}

// sweepUploads removes the files of uploads that belong to no import that waits. Another node
// may have ended the import.
func (s *Service) sweepUploads(waiting map[string]bool, before time.Time) error {
	if !s.Uploads() {
		return nil
	}
	files, err := os.ReadDir(s.o.SpoolDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || waiting[f.Name()] || info.ModTime().After(before) {
			continue
		}
		if !info.Mode().IsRegular() || strings.HasPrefix(f.Name(), ".") {
			continue // not ours
		}
		errs = append(errs, os.Remove(filepath.Join(s.o.SpoolDir, f.Name())))
	}
	return errors.Join(errs...)
}
