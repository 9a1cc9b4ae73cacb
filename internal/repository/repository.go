// Package repository keeps many backups of a store in one place: a directory, or a
// bucket of a storage that speaks the protocol of S3.
//
// A backup is a set of files. Each file is an object whose name is the SHA-256 of its
// content, so files that two backups share are stored once. The description of a backup
// lists its files and is written last. Without a description there is no backup: a
// process that is killed leaves only objects that no description names, and [Repository.Prune]
// removes them.
//
//	repository.json          the format of the repository
//	objects/<aa>/<name>      the content of a file; <aa> are the first two letters of its name
//	backups/<time>.json      the description of a backup, such as 20261128T150405Z.json
//	partial/…                files that are being written; only in a directory
//	lock, locks/…            the lock of the process that writes
//
// One process at a time writes to a repository, under a lock. Processes that read write
// nothing, not even a lock. What a repository contains is not trusted: each name, size and
// checksum is checked before it is used.
package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"filippo.io/age"
)

// format is the number of the layout above. A repository with a higher number is refused.
const format = 1

// formatFile is the name of the file that makes a place a repository.
const formatFile = "repository.json"

// Prefixes of names.
const (
	objectsPrefix = "objects/"
	backupsPrefix = "backups/"
)

// Options configure a Repository.
type Options struct {
	// CredentialsFile is a file of credentials for a bucket, in the form of
	// ~/.aws/credentials. Without it those in $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY
	// are used. Optional.
	CredentialsFile string

	// Recipients encrypt new backups. Nil encrypts nothing.
	Recipients *Recipients

	// Identities decrypt backups that are encrypted. Optional.
	Identities []age.Identity

	// Now returns the time of day; nil is [time.Now].
	Now func() time.Time
}

// A Repository is a place with backups. Its methods may be called concurrently, and by
// several processes. Methods that write return [ErrLocked] while another one writes.
type Repository struct {
	place   string // for messages, without secrets
	backend backend
	o       Options
}

// ErrLocked is the error of a method that writes while another process writes.
var ErrLocked = errors.New("another process writes to the repository: wait for its end")

// A backend stores named files. Names have slashes, and each part of a name consists of
// letters, digits, dots and dashes. An error of a file that does not exist is
// [fs.ErrNotExist].
type backend interface {
	// put stores a file, durably and in one step. It replaces a file of that name.
	put(ctx context.Context, name string, c content) error

	// get opens a file. The caller reads no more than it expects, and closes it.
	get(ctx context.Context, name string) (io.ReadCloser, error)

	// list calls fn for each file whose name begins with prefix, which ends with a slash.
	list(ctx context.Context, prefix string, fn func(name string, bytes int64) error) error

	// remove removes a file. It is no error if there is none.
	remove(ctx context.Context, name string) error

	// settle makes the removal of files whose name begins with prefix durable.
	settle(ctx context.Context, prefix string) error

	// lock keeps other processes from writing, prepares the place for writing, and returns
	// a context that ends when the lock is lost. It returns ErrLocked if another process
	// has the lock. release gives the lock back.
	lock(ctx context.Context) (locked context.Context, release func(), err error)

	// empty reports whether nothing is stored, so that a repository can begin here.
	empty(ctx context.Context) (bool, error)

	// close frees what the backend has opened.
	close() error
}

// A content is the content of a file to store.
type content struct {
	file  string // a file on this machine with exactly that content, which may be linked; "" for none
	bytes int64  // -1 if it is not known
	open  func() (io.ReadCloser, error)
}

// Open opens the repository at a place that exists; see [ParsePlace]. It writes nothing.
func Open(ctx context.Context, place string, o Options) (*Repository, error) {
	p, err := ParsePlace(place)
	if err != nil {
		return nil, err
	}
	r, err := open(p, o)
	if err != nil {
		return nil, err
	}
	if err := r.checkFormat(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Prepare opens the repository at a place for writing. The first backup creates it if the
// place is empty.
func Prepare(place string, o Options) (*Repository, error) {
	p, err := ParsePlace(place)
	if err != nil {
		return nil, err
	}
	if err := p.create(); err != nil {
		return nil, remedied(err)
	}
	return open(p, o)
}

func open(p Place, o Options) (*Repository, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	b, err := p.backend(o)
	if err != nil {
		return nil, err
	}
	return &Repository{place: p.String(), backend: b, o: o}, nil
}

// Close frees what r has opened.
func (r *Repository) Close() error { return r.backend.close() }

// String returns the place of r, without secrets.
func (r *Repository) String() string { return r.place }

// A formatOf is the content of formatFile.
type formatOf struct {
	Format int `json:"format"`
}

// noRepositoryError says that a place has no repository.
type noRepositoryError struct{ place string }

func (e *noRepositoryError) Error() string {
	return fmt.Sprintf("%s is no repository of backups: correct the name, or let \"rollcall backup create\" make the first backup", e.place)
}

// maxFormatFile is the longest formatFile in bytes.
const maxFormatFile = 1 << 12

// checkFormat returns an error unless r has a format of this program.
func (r *Repository) checkFormat(ctx context.Context) error {
	b, err := r.read(ctx, formatFile, maxFormatFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &noRepositoryError{r.place}
	}
	if err != nil {
		return err
	}
	var f formatOf
	switch err := json.Unmarshal(b, &f); {
	case err != nil || f.Format < 1:
		return fmt.Errorf("%s: %s is damaged; put back {\"format\": %d} after a look at the rest", r.place, formatFile, format)
	case f.Format > format:
		return fmt.Errorf("%s has format %d, and this program reads formats up to %d: use a newer version of Rollcall", r.place, f.Format, format)
	}
	return nil
}

// read returns a small file.
func (r *Repository) read(ctx context.Context, name string, most int64) ([]byte, error) {
	f, err := r.backend.get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s: %s has more than %d bytes, which none of ours has", r.place, name, most)
	}
	return b, nil
}

// write calls fn under the lock. It makes an empty place a repository first.
func (r *Repository) write(ctx context.Context, fn func(context.Context) error) (err error) {
	locked, release, err := r.backend.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := r.begin(locked); err != nil {
		return err
	}
	if err = fn(locked); err != nil && ctx.Err() == nil && locked.Err() != nil {
		return fmt.Errorf("the lock of %s was lost, so nothing more is written: %w", r.place, context.Cause(locked))
	}
	return err
}

// begin makes an empty place a repository.
func (r *Repository) begin(ctx context.Context) error {
	err := r.checkFormat(ctx)
	if _, none := errors.AsType[*noRepositoryError](err); !none {
		return err
	}
	empty, err := r.backend.empty(ctx)
	if err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("%s has other files and no %s: name an empty place for backups", r.place, formatFile)
	}
	b, err := json.Marshal(formatOf{format})
	if err != nil {
		return err
	}
	return r.backend.put(ctx, formatFile, bytesContent(append(b, '\n')))
}
