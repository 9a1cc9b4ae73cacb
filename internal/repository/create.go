package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"

	"rollcall/internal/account"
)

// A Source is what a new backup is made of.
type Source struct {
	Version string // of the program
	Store   string // kind of the store

	// Doubt reads the stored files that the backup would share with earlier ones, and stores
	// those that are damaged again.
	Doubt bool

	// Stage copies the store as it is at one moment into a directory on this machine, and
	// returns the directory and the contents of the copy, which it has read. The files are
	// durable and do not change. It is called under the lock of the repository.
	Stage func(context.Context) (dir string, contents *account.Contents, err error)
}

// A Progress says how much of all bytes is done. It is called often.
type Progress func(done, total int64)

// Create makes a backup. Files that earlier backups have stored are not stored again. On
// an error there is no new backup, and nothing of earlier ones has changed.
func (r *Repository) Create(ctx context.Context, s Source, p Progress) (*Backup, error) {
	var b *Backup
	err := r.write(ctx, func(ctx context.Context) (err error) {
		b, err = r.create(ctx, s, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// create makes a backup under the lock.
func (r *Repository) create(ctx context.Context, s Source, p Progress) (*Backup, error) {
	start := r.o.Now()
	stored, err := r.objects(ctx)
	if err != nil {
		return nil, err
	}
	known, err := r.known(ctx, stored)
	if err != nil {
		return nil, err
	}
	dir, contents, err := s.Stage(ctx)
	if err != nil {
		return nil, err
	}
	b := &Backup{Version: s.Version, Store: s.Store, Inside: Inside{Contents: *contents}}
	if b.ID, b.Created, err = r.newID(ctx, start); err != nil {
		return nil, err
	}
	if r.o.Recipients != nil {
		b.Recipients = r.o.Recipients.name
	}
	c := creation{r: r, b: b, doubt: s.Doubt, before: stored, known: known, used: map[string]bool{}, progress: p}
	if err := c.files(ctx, dir); err != nil {
		c.undo(ctx)
		return nil, err
	}
	b.TookMS = r.o.Now().Sub(start).Milliseconds()
	return b, r.publish(ctx, b)
}

// newID returns the ID and the time of a backup that begins at a time. Two backups of one
// second, or a clock that was put back, do not give one ID twice.
func (r *Repository) newID(ctx context.Context, at time.Time) (string, time.Time, error) {
	ids, err := r.ids(ctx)
	if err != nil {
		return "", at, err
	}
	for at = at.UTC().Truncate(time.Second); slices.Contains(ids, at.Format(idLayout)); {
		at = at.Add(time.Second)
	}
	return at.Format(idLayout), at, nil
}

// known returns the objects that earlier backups need and that are stored with their
// size, by name. stored has the sizes of all objects. An object without a backup is left
// over from a process that ended, and is stored again.
func (r *Repository) known(ctx context.Context, stored map[string]int64) (map[string]Object, error) {
	all, err := r.List(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]Object{}
	for _, b := range all {
		for _, o := range b.Objects {
			if bytes, ok := stored[o.Name]; ok && bytes == o.Bytes {
				known[o.Name] = o
			}
		}
	}
	return known, nil
}

// objects returns the sizes of all stored objects by name.
func (r *Repository) objects(ctx context.Context) (map[string]int64, error) {
	stored := map[string]int64{}
	err := r.backend.list(ctx, objectsPrefix, func(name string, bytes int64) error {
		if object, ok := objectOf(name); ok {
			stored[object] = bytes
		}
		return nil
	})
	return stored, err
}

// publish writes the description of b, after it has made sure that every object is there.
func (r *Repository) publish(ctx context.Context, b *Backup) error {
	stored, err := r.objects(ctx)
	if err != nil {
		return err
	}
	for _, o := range b.Objects {
		if bytes, ok := stored[o.Name]; !ok || bytes != o.Bytes {
			return fmt.Errorf("%s: the object %s has vanished while the backup was made: another program changes the repository", r.place, objectName(o.Name))
		}
	}
	file, err := r.encode(b)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return r.backend.put(ctx, nameOf(b.ID), bytesContent(file))
}

// encode returns the file of the description of b, whose inside it encrypts if backups are
// encrypted.
func (r *Repository) encode(b *Backup) ([]byte, error) {
	if b.Recipients == "" {
		return encode(b)
	}
	inside, err := json.Marshal(b.Inside)
	if err != nil {
		return nil, err
	}
	closed := *b
	closed.Inside = Inside{}
	if closed.Sealed, err = r.o.Recipients.seal(inside); err != nil {
		return nil, err
	}
	return encode(&closed)
}

// A creation stores the files of one backup.
type creation struct {
	r           *Repository
	b           *Backup
	doubt       bool
	before      map[string]int64 // sizes of the objects before the backup
	known       map[string]Object
	used        map[string]bool // objects of b
	added       []string        // objects that were not there before
	progress    Progress
	done, total int64
}

// files stores every file below dir.
func (c *creation) files(ctx context.Context, dir string) error {
	paths, err := c.find(dir)
	if err != nil {
		return err
	}
	for _, p := range paths {
		if err := c.file(ctx, dir, p); err != nil {
			return err
		}
	}
	slices.SortFunc(c.b.Objects, byName)
	return nil
}

// undo removes the objects that c has added, so that backups that fail fill no disk. If ctx
// has ended, it leaves them to the next prune. It must not be called once the description may
// be stored.
func (c *creation) undo(ctx context.Context) {
	for _, name := range c.added {
		if c.r.remove(ctx, objectName(name)) != nil {
			return // the next prune removes them
		}
	}
}

// find returns the paths of all files below dir in order, and sums their sizes.
func (c *creation) find(dir string) (paths []string, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		rel = filepath.ToSlash(rel)
		if err == nil && (!goodPath(rel) || !info.Mode().IsRegular()) {
			err = fmt.Errorf("the copy of the store has the file %q, which no backup can have", rel)
		}
		paths = append(paths, rel)
		c.total += info.Size()
		return err
	})
	if len(paths) > maxFiles {
		err = errors.Join(err, fmt.Errorf("the store has %d files, and a backup can have %d", len(paths), maxFiles))
	}
	if err == nil && len(paths) == 0 {
		err = errors.New("the copy of the store is empty: something has removed its files")
	}
	slices.Sort(paths)
	return paths, err
}

// file stores one file unless it is stored.
func (c *creation) file(ctx context.Context, dir, rel string) error {
	name := filepath.Join(dir, filepath.FromSlash(rel))
	f := File{Path: rel}
	var err error
	if f.SHA256, f.Bytes, err = c.sum(ctx, name); err != nil {
		return err
	}
	o, ok := c.known[c.b.objectOf(f)]
	if !ok || c.doubt && !c.used[o.Name] && !c.sound(ctx, o) {
		if o, err = c.store(ctx, name, f); err != nil {
			return err
		}
		c.known[o.Name] = o
		c.b.NewBytes += o.Bytes
	}
	if !c.used[o.Name] {
		c.used[o.Name] = true
		c.b.Objects = append(c.b.Objects, o)
	}
	c.b.Files = append(c.b.Files, f)
	c.b.Bytes += f.Bytes
	return nil
}

// sound reports whether a stored object can be read and is as it was stored.
func (c *creation) sound(ctx context.Context, o Object) bool {
	return c.r.copyObject(ctx, o, io.Discard, func(int) {}) == nil
}

// store stores the file name, encrypted if backups are, and returns its object.
func (c *creation) store(ctx context.Context, name string, f File) (Object, error) {
	o := Object{c.b.objectOf(f), f.Bytes, f.SHA256}
	p := content{file: name, bytes: f.Bytes}
	recipients := c.r.o.Recipients
	if recipients != nil {
		var err error
		p.file = "" // the stored file is another one
		if p.bytes, err = recipients.sealedSize(f.Bytes); err != nil {
			return Object{}, err
		}
	}
	plain, stored := sha256.New(), sha256.New() // a disk may return something else the second time
	opened := false
	p.open = func() (io.ReadCloser, error) {
		opened = true
		in, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		plain.Reset()
		stored.Reset()
		out := io.TeeReader(in, plain)
		if recipients != nil {
			if out, err = age.EncryptReader(out, recipients.list...); err != nil {
				return nil, errors.Join(err, in.Close())
			}
		}
		return readCloser{io.TeeReader(out, stored), in}, nil
	}
	if err := c.r.backend.put(ctx, objectName(o.Name), p); err != nil {
		return Object{}, fmt.Errorf("a file cannot be stored: %w", remedied(err))
	}
	if _, ok := c.before[o.Name]; !ok {
		c.added = append(c.added, o.Name)
	}
	if opened && hex.EncodeToString(plain.Sum(nil)) != f.SHA256 {
		return Object{}, errors.Join(fmt.Errorf("the file %s changed while it was read: check the disk", name), c.r.backend.remove(ctx, objectName(o.Name)))
	}
	if recipients != nil {
		o.Bytes, o.SHA256 = p.bytes, hex.EncodeToString(stored.Sum(nil))
	}
	return o, nil
}

// sum returns the checksum and the size of a file.
func (c *creation) sum(ctx context.Context, name string) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, reader(ctx, &counted{f, c.advance}))
	return hex.EncodeToString(sum.Sum(nil)), n, err
}

func (c *creation) advance(n int) {
	c.done += int64(n)
	if c.progress != nil {
		c.progress(c.done, c.total)
	}
}

// A counted reader tells how much was read.
type counted struct {
	io.Reader
	read func(int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read(n)
	return n, err
}

// A readCloser reads from one and closes the other.
type readCloser struct {
	io.Reader
	io.Closer
}
