package bulk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/records"
	"rollcall/internal/source"
)

// Files reports whether jobs can read files of the server, and Uploads whether they can read
// uploads.
func (s *Service) Files() bool { return s.o.ImportDir != "" }

// Uploads reports whether the server accepts uploads.
func (s *Service) Uploads() bool { return s.o.SpoolDir != "" }

// A Job is a job to create.
type Job struct {
	App   account.AppID
	Actor string
	Key   string // "" for a new one
	records.ImportJob
}

// Create creates a job from a file below the directory of imports. If the job exists
// already, it is returned.
//
// Codes: NoApp, BadParameter, Conflict if the key belongs to another import.
func (s *Service) Create(ctx context.Context, j Job) (*adminapi.Import, error) {
	if err := checkJob(&j.ImportJob); err != nil {
		return nil, err
	}
	f, err := s.openBelow(j.File)
	if err != nil {
		return nil, badJob(fmt.Sprintf("%s below the directory of imports cannot be read: %s", account.Quote(j.File), reason(err)))
	}
	defer f.Close() // it was only read
	if err := identify(f, &j.ImportJob); err != nil {
		return nil, badJob(fmt.Sprintf("%s cannot be read: %s", account.Quote(j.File), reason(err)))
	}
	shown, _, err := s.create(ctx, j, newID())
	return shown, err
}

// create stores a job, whose import gets the ID id, and reports whether it is new.
func (s *Service) create(ctx context.Context, j Job, id string) (shown *adminapi.Import, created bool, err error) {
	if s.o.Shared {
		j.Node = s.o.Node
	}
	i, err := s.begin(ctx, caller{j.Actor, j.App, cmp.Or(j.Key, newID())}, &j.ImportJob, id)
	if err != nil {
		return nil, false, err
	}
	if i.ID == id {
		s.notify()
		return s.showAt(i, records.ImportProgress{}), true, nil
	}
	if i.Job == nil || i.Job.Digest != j.Digest || i.Job.File != j.File || i.Job.Upload != j.Upload {
		return nil, false, errOtherImport
	}
	shown, err = s.show(ctx, i)
	return shown, false, err
}

var errOtherImport error = &account.Error{Code: account.Conflict, Detail: "the key belongs to another import; choose another key"}

// Run works on jobs, one at a time, and removes old imports, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var tidied time.Time
	for ctx.Err() == nil {
		if s.now().Sub(tidied) >= tidyEvery {
			tidied = s.now()
			s.warn(ctx, "old imports were not removed; the server tries again", s.tidy(ctx))
		}
		again, err := s.work(ctx)
		if found := again; found {
			s.warn(ctx, "an import was interrupted; the server goes on with it", err)
		} else {
			s.warn(ctx, "the server could not look for imports that wait; it tries again", err)
		}
		if again && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-look.C:
		}
	}
	return nil
}

// warn logs err, unless it is nil or the server shuts down.
func (s *Service) warn(ctx context.Context, msg string, err error) {
	if err != nil && ctx.Err() == nil {
		s.lg.Warn(msg, slog.String("err", err.Error()))
	}
}

const (
	lookEvery = 5 * time.Second // for jobs of other nodes
	tidyEvery = 10 * time.Minute
)

// work works on the oldest job that waits, and reports whether there was one.
func (s *Service) work(ctx context.Context) (found bool, err error) {
	waiting, err := s.waiting(ctx)
	for _, i := range waiting {
		err := s.job(ctx, i)
		if errors.Is(err, errEnded) || account.CodeOf(err) == account.Conflict || account.CodeOf(err) == account.NoImport {
			continue // it was canceled or removed, or another node was faster
		}
		return true, err
	}
	return false, err
}

// waiting returns the jobs that wait and whose file is here, oldest first.
func (s *Service) waiting(ctx context.Context) (list []*records.Import, err error) {
	err = s.each(ctx, func(i *records.Import) error {
		if s.state(i) == adminapi.ImportQueued && s.here(i) {
			list = append(list, i)
		}
		return nil
	})
	slices.SortFunc(list, func(a, b *records.Import) int { return a.Created.Compare(b.Created) })
	return list, err
}

// here reports whether this node works on a job. That is the node of the job, or another one
// that has the same file, as in a directory that nodes share.
func (s *Service) here(i *records.Import) bool {
	if !s.o.Shared || i.Job.Node == s.o.Node {
		return true
	}
	f, err := s.openFile(i)
	if err != nil {
		return false
	}
	defer f.Close() // it was only read
	return changedSince(f, i.Job) == nil
}

// each calls fn with every import of every app.
func (s *Service) each(ctx context.Context, fn func(*records.Import) error) error {
	for after := ""; ; {
		page, next, err := s.records.Imports(ctx, 0, after, account.MaxListLimit)
		if err != nil {
			return err
		}
		for _, i := range page {
			if err := fn(i); err != nil {
				return err
			}
		}
		if after = next; after == "" {
			return nil
		}
	}
}

// job works on a job until it ends, is paused, or ctx ends.
func (s *Service) job(ctx context.Context, i *records.Import) error {
	r, err := s.start(ctx, i, ctx.Done())
	if err != nil {
		return err
	}
	lasting := context.WithoutCancel(ctx) // a commit is not ended by the end of the server
	defer r.end(lasting)
	if _, err := s.app(ctx, i); account.CodeOf(err) == account.NoApp {
		_, err := s.records.RemoveImport(ctx, i)
		return err
	}
	state, why := adminapi.ImportDone, ""
	switch err := r.file(ctx, lasting); {
	case errors.Is(err, errStopped), errors.Is(err, errEnded):
		return nil
	case err != nil:
		if _, ok := errors.AsType[*fileError](err); !ok {
			return err
		}
		state, why = adminapi.ImportFailed, err.Error()
	}
	if err := r.finish(lasting, state, why); err != nil && !errors.Is(err, errEnded) {
		return err
	}
	s.dropUpload(i)
	return nil
}

// A fileError says why a file cannot be read to its end. The job has failed.
type fileError struct{ why string }

func (e *fileError) Error() string { return e.why }

// file imports the rows of the file of a job.
func (r *run) file(ctx, lasting context.Context) error {
	job := r.imp.Job
	failed := func(err error) error { return &fileError{account.Quote(job.File) + ": " + reason(err)} }
	f, err := r.s.openFile(r.imp)
	if err != nil {
		return failed(err)
	}
	defer f.Close() // it was only read
	if err := changedSince(f, job); err != nil {
		return failed(err)
	}
	o, err := options(job)
	if err != nil {
		return failed(err)
	}
	quit := make(chan struct{})
	rows := newChunker(1, r.progress.Row+1, quit, func() int { return int(r.maxRows.Load()) })
	var wg sync.WaitGroup
	wg.Go(func() { rows.read(r.watched(source.ReadFrom(job.File, f, o))) })
	err = r.follow(lasting, rows, ctx.Done())
	close(quit)
	wg.Wait()
	if err != nil {
		return err
	}
	if rows.err != io.EOF {
		return &fileError{rows.err.Error()}
	}
	if err := changedSince(f, job); err != nil {
		return failed(err)
	}
	return nil
}

// watched returns rows, and lets others see how much of the file is read.
func (r *run) watched(rows func(func(*source.Row, error) bool)) func(func(*source.Row, error) bool) {
	return func(yield func(*source.Row, error) bool) {
		rows(func(row *source.Row, err error) bool {
			if err == nil && r.reading.Load() == nil {
				r.reading.Store(row.File)
			}
			return yield(row, err)
		})
	}
}

// dropUpload removes the file of an upload that is not needed any more.
func (s *Service) dropUpload(i *records.Import) {
	if i.Job == nil || !i.Job.Upload || !s.Uploads() {
		return
	}
	if err := os.Remove(s.spooled(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.lg.Warn("the file of an upload was not removed; the server tries again", slog.String("err", err.Error()))
	}
}
