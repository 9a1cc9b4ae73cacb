package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/durable"
)

const (
	// keepFree is how much of the disk an upload leaves for the store.
	keepFree = 1 << 30

	// checkFree is how many bytes of an upload are written between two looks at the disk.
	checkFree = 16 << 20

	// partSuffix ends the name of a file whose upload has not ended.
	partSuffix = ".part"
)

// Upload creates a job from a body, which it stores in a file. If the import of the key
// exists already, it is returned, and the body is not read. The upload ends when ending is
// closed, because the server shuts down.
//
// Codes: as [Service.Create], and Unavailable, Malformed, BatchTooLarge.
func (s *Service) Upload(ctx context.Context, j Job, body io.Reader, c Conn, ending <-chan struct{}) (*adminapi.Import, error) {
	j.Upload = true
	if err := checkJob(&j.ImportJob); err != nil {
		return nil, err
	}
	if err := CheckKey(j.Key); err != nil {
		return nil, err
	}
	i, err := s.find(ctx, j.App, j.Key)
	switch {
	case err == nil && i.Job != nil && i.Job.Upload && i.Job.File == j.File:
		return s.show(ctx, i)
	case err == nil:
		return nil, errOtherImport
	case err != errNoImport:
		return nil, err
	}
	var shown *adminapi.Import
	err = s.receive(&j, body, c, ending, func(id string, _ *connection) (err error) {
		var created bool
		shown, created, err = s.create(context.WithoutCancel(ctx), j, id)
		if !created && account.CodeOf(err) != account.Unknown {
			_ = os.Remove(filepath.Join(s.o.SpoolDir, id)) // what is left is removed later
		}
		return err
	})
	return shown, err
}

// receive stores a body as the file of a new import id, and calls use, which owns the file.
// Until use returns, the connection counts as a stream.
func (s *Service) receive(j *Job, body io.Reader, c Conn, ending <-chan struct{}, use func(id string, conn *connection) error) error {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return errManyStreams
	}
	if err := c.Begin(); err != nil {
		return err
	}
	id, conn := newID(), &connection{conn: c, silence: s.silence}
	unwatch := conn.watch(ending)
	err := s.spool(j, id, body, conn)
	unwatch()
	defer c.Extend(s.silence) // for the response
	if err != nil {
		return err
	}
	return use(id, conn)
}

// spool stores a body as the file of the import id.
func (s *Service) spool(j *Job, id string, body io.Reader, c *connection) error {
	if err := durable.Mkdir(s.o.SpoolDir); err != nil {
		return spoolError(err)
	}
	name := filepath.Join(s.o.SpoolDir, id)
	f, err := os.OpenFile(name+partSuffix, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return spoolError(err)
	}
	err = s.fill(f, body, c)
	if err == nil {
		err = spoolError(errors.Join(f.Sync(), identify(f, &j.ImportJob)))
	}
	if closeErr := f.Close(); err == nil {
		err = spoolError(closeErr)
	}
	if err == nil {
		err = spoolError(durable.Rename(name+partSuffix, name))
	}
	if err != nil {
		_ = os.Remove(name + partSuffix) // what is left is removed later
	}
	return err
}

// fill copies a body to f, within the limits of the size and of the disk.
func (s *Service) fill(f *os.File, body io.Reader, c *connection) error {
	limited := io.LimitReader(rawBody{&bodyReader{body: body, conn: c}}, s.o.MaxUpload+1)
	for size := int64(0); ; {
		free, err := s.o.Free(s.o.SpoolDir)
		if err != nil {
			return spoolError(err)
		}
		if free < keepFree+checkFree {
			return &account.Error{Code: account.Unavailable, Detail: "the disk of the server is too full for the upload; free some space"}
		}
		n, err := io.CopyN(writer{f}, limited, checkFree)
		size += n
		var failed *writeError
		switch {
		case size > s.o.MaxUpload:
			return &account.Error{Code: account.BatchTooLarge, Detail: fmt.Sprintf("the file is larger than %d bytes, the server's max_upload_mib; compress it, or send it as a stream", s.o.MaxUpload)}
		case err == io.EOF:
			return nil
		case errors.As(err, &failed):
			return spoolError(failed.err)
		case err != nil && c.interrupted():
			return errEnding
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &account.Error{Code: account.Malformed, Detail: fmt.Sprintf("no bytes of the body came for %v; send it again", s.silence)}
		case err != nil:
			return &account.Error{Code: account.Malformed, Detail: "the body broke off; send it again", Err: err}
		}
	}
}

var errEnding error = &account.Error{Code: account.Unavailable, Detail: "the server shuts down; send the file again when it is back"}

// A writer tells its own errors from those of the body.
type writer struct{ f *os.File }

type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

// spoolError returns the error of a file that cannot be written, or nil.
func spoolError(err error) error {
	if err == nil {
		return nil
	}
	code := account.Internal
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		code = account.Unavailable
	}
	return &account.Error{Code: code, Detail: "the server cannot store the upload in its data directory; the log says more", Err: err}
}
