package bulk

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"rollcall/internal/dryrun"
	"rollcall/internal/source"
)

// Check says what would become of the rows of a body, and imports nothing. It stores the body
// in a file until it returns. If the body cannot be read to its end, the report says why and
// is about the rows before.
//
// Codes: NoApp, BadParameter, Unavailable, Malformed, BatchTooLarge.
func (s *Service) Check(ctx context.Context, j Job, body io.Reader, c Conn, ending <-chan struct{}) (*dryrun.Report, error) {
	if err := checkJob(&j.ImportJob); err != nil {
		return nil, err
	}
	app, err := s.dir.App(ctx, j.App)
	if err != nil {
		return nil, err
	}
	count, err := s.dir.Count(ctx, j.App)
	if err != nil {
		return nil, err
	}
	var report *dryrun.Report
	err = s.receive(&j, body, c, ending, func(id string, conn *connection) error {
		name := filepath.Join(s.o.SpoolDir, id)
		defer os.Remove(name) // what is left is removed later
		report, err = s.report(ctx, &j, name, dryrun.Options{
			App: app, Count: count, Again: true, Dir: s.o.SpoolDir,
			Progress: func(*source.File, int64, int64) { conn.alive() },
		}, ending)
		return err
	})
	return report, err
}

// report reads the file of a job and judges its rows.
func (s *Service) report(ctx context.Context, j *Job, name string, o dryrun.Options, ending <-chan struct{}) (*dryrun.Report, error) {
	form, err := options(&j.ImportJob)
	if err != nil {
		return nil, badJob(err.Error())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-ending:
			cancel(errEnding)
		case <-ctx.Done():
		}
	}()
	rows := func(yield func(*source.Row, error) bool) {
		f, err := os.Open(name)
		if err != nil {
			yield(nil, spoolError(err))
			return
		}
		defer f.Close() // it was only read
		source.ReadFrom(j.File, f, form)(yield)
	}
	report, err := dryrun.Run(ctx, rows, o)
	switch _, unread := errors.AsType[*source.Error](err); {
	case unread && (report == nil || report.Rows == 0):
		return nil, badJob(err.Error())
	case unread:
		return report, nil
	}
	return report, err
}
