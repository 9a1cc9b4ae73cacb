package bulk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/source"
)

// digestEnd is how much of each end of a file its digest covers.
const digestEnd = 64 << 10

// identify sets the size, the time and the digest of a job from its file.
func identify(f *os.File, job *records.ImportJob) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d\n", info.Size())
	for _, at := range []int64{0, max(0, info.Size()-digestEnd)} {
		if _, err := io.Copy(h, io.NewSectionReader(f, at, digestEnd)); err != nil {
			return err
		}
	}
	job.Size, job.Modified, job.Digest = info.Size(), account.Millis(info.ModTime()), hex.EncodeToString(h.Sum(nil))
	return nil
}

// openFile opens the file of a job.
func (s *Service) openFile(i *records.Import) (*os.File, error) {
	if i.Job.Upload {
		if !s.Uploads() {
			return nil, errors.New("this server has no directory of uploads")
		}
		return os.Open(s.spooled(i))
	}
	if !s.Files() {
		return nil, errors.New("this server has no directory of imports")
	}
	return s.openBelow(i.Job.File)
}

// openBelow opens a file below the directory of imports. A link that leads out of it is
// refused.
func (s *Service) openBelow(name string) (*os.File, error) {
	root, err := os.OpenRoot(s.o.ImportDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name) // opening a pipe would wait
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return nil, err
	}
	return root.Open(name)
}

// spooled returns the name of the file of an upload.
func (s *Service) spooled(i *records.Import) string { return filepath.Join(s.o.SpoolDir, i.ID) }

// changedSince returns an error if f is not the file that a job was created for.
func changedSince(f *os.File, job *records.ImportJob) error {
	now := *job
	if err := identify(f, &now); err != nil {
		return err
	}
	if now.Size != job.Size || !now.Modified.Equal(job.Modified) || now.Digest != job.Digest {
		return errors.New("it has changed since the job was created; create another job with it")
	}
	return nil
}

// reason returns the text of err without the path of the file, which may tell about the
// server.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// options returns what a job says about its file.
func options(job *records.ImportJob) (source.Options, error) {
	o := source.Options{Format: source.Format(job.Format), Encoding: job.Encoding, Sheet: job.Sheet, Map: job.Map, Ignore: job.Ignore}
	switch {
	case job.Delimiter == "tab":
		o.Delimiter = '\t'
	case len(job.Delimiter) > 1:
		return o, fmt.Errorf("the delimiter is %s: give one character of ASCII, or tab", account.Quote(job.Delimiter))
	case job.Delimiter != "":
		o.Delimiter = job.Delimiter[0]
	}
	return o, o.Check()
}

// Limits of the options of a job.
const (
	maxOptions     = 100 // columns in map and ignore
	maxOptionBytes = 1000
)

// checkJob returns an error with Code BadParameter if the options of a job are wrong.
func checkJob(job *records.ImportJob) error {
	texts := append([]string{job.File, job.Format, job.Encoding, job.Delimiter, job.Sheet}, job.Ignore...)
	for column, field := range job.Map {
		texts = append(texts, column, field)
	}
	for _, text := range texts {
		if len(text) > maxOptionBytes {
			return badJob(fmt.Sprintf("%s is longer than %d bytes; shorten it", account.Quote(text), maxOptionBytes))
		}
	}
	switch {
	case job.File == "":
		return badJob("file is missing; give the name of the file")
	case len(job.Map)+len(job.Ignore) > maxOptions:
		return badJob(fmt.Sprintf("map and ignore have more than %d columns", maxOptions))
	}
	if _, err := options(job); err != nil {
		return badJob(err.Error())
	}
	return nil
}

func badJob(detail string) error { return &account.Error{Code: account.BadParameter, Detail: detail} }
