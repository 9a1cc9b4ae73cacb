package repository

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"rollcall/internal/account"
)

// Limits of a description.
const (
	maxDescription = 64 << 20 // bytes
	maxFiles       = 100_000
	maxPath        = 1024 // bytes
	maxBackups     = 100_000
)

// A Backup is the description of a backup.
type Backup struct {
	ID       string    `json:"id"`      // the time of the backup in UTC, as 20261128T150405Z
	Created  time.Time `json:"created"` // to the second
	Version  string    `json:"version"` // of the program that made it
	Store    string    `json:"store"`   // kind of the store
	TookMS   int64     `json:"took_ms"`
	Bytes    int64     `json:"bytes"`     // of all files
	NewBytes int64     `json:"new_bytes"` // stored for this backup alone; earlier backups had stored the rest

	// Objects are the stored files that the backup needs, in the order of names.
	Objects []Object `json:"objects"`

	// Recipients is not empty if the backup is encrypted. It then names the set of
	// recipients, and Sealed is the encrypted Inside. Inside is empty until an identity has
	// decrypted it.
	Recipients string `json:"recipients,omitempty"`
	Sealed     []byte `json:"sealed,omitempty"`

	Inside
}

// Closed reports whether b is encrypted and its Inside is not known.
func (b *Backup) Closed() bool { return len(b.Sealed) > 0 }

// Inside is the part of a description that tells about the content of a backup.
type Inside struct {
	Contents account.Contents `json:"contents"` // of the store, as it was read before the backup was complete
	Files    []File           `json:"files"`    // in the order of paths
}

// An Object is a stored file.
type Object struct {
	Name   string `json:"name"`   // the SHA-256 of the file before it was stored, in hexadecimal; then a dot and the recipients if it is encrypted
	Bytes  int64  `json:"bytes"`  // as it is stored
	SHA256 string `json:"sha256"` // as it is stored
}

// A File is a file of a backup.
type File struct {
	Path   string `json:"path"`   // with slashes, below the restored directory
	Bytes  int64  `json:"bytes"`  //
	SHA256 string `json:"sha256"` // in hexadecimal
}

// An envelope is the file of a description. The checksum finds damage that leaves JSON.
type envelope struct {
	Format int             `json:"format"`
	SHA256 string          `json:"sha256"` // of the bytes of Backup, without spaces
	Backup json.RawMessage `json:"backup"`
}

// idLayout is the form of an ID in the language of package time.
const idLayout = "20060102T150405Z"

// CheckID returns an error unless id has the form of an ID.
func CheckID(id string) error {
	if at, err := time.Parse(idLayout, id); err != nil || at.Format(idLayout) != id {
		return fmt.Errorf("%q is no backup: an id is a time as 20261128T150405Z; \"rollcall backup list\" shows them", id)
	}
	return nil
}

// nameOf returns the name of the file of a description.
func nameOf(id string) string { return backupsPrefix + id + ".json" }

// objectName returns the name of the file of an object.
func objectName(name string) string { return objectsPrefix + name[:2] + "/" + name }

var (
	sumForm    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	objectForm = regexp.MustCompile(`^[0-9a-f]{64}(\.[0-9a-f]{16})?$`)
)

// encrypted reports whether the object with a name is encrypted.
func encrypted(name string) bool { return strings.Contains(name, ".") }

// objectOf returns the name of an object from the name of its file.
func objectOf(name string) (string, bool) {
	_, object, _ := strings.Cut(strings.TrimPrefix(name, objectsPrefix), "/")
	return object, objectForm.MatchString(object) && objectName(object) == name
}

// encode returns the file of a description.
func encode(b *Backup) ([]byte, error) {
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(envelope{format, sumOf(raw), raw})
	return append(out, '\n'), err
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// errDamaged is the error of a description that is not as it was written. Its text continues
// a sentence that names the file.
var errDamaged = errors.New("is damaged")

// decode returns the description in the file of the backup id. The text of its error
// continues a sentence that names the file.
func decode(id string, file []byte) (*Backup, error) {
	var e envelope
	if err := json.Unmarshal(file, &e); err != nil {
		return nil, fmt.Errorf("%w: it is no JSON", errDamaged)
	}
	if e.Format > format {
		return nil, fmt.Errorf("has format %d, and this program reads formats up to %d: use a newer version of Rollcall", e.Format, format)
	}
	var raw bytes.Buffer
	if err := json.Compact(&raw, e.Backup); err != nil || sumOf(raw.Bytes()) != e.SHA256 {
		return nil, fmt.Errorf("%w: its checksum is another one", errDamaged)
	}
	b := new(Backup)
	if err := json.Unmarshal(raw.Bytes(), b); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if b.ID != id {
		return nil, fmt.Errorf("%w: it describes the backup %q, so it was swapped or renamed", errDamaged, b.ID)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return b, nil
}

// check returns an error unless b can be used without harm. A stranger may have made it,
// with the right checksum.
func (b *Backup) check() error {
	at, err := time.Parse(idLayout, b.ID)
	if err != nil || !at.Equal(b.Created) {
		return errors.New("its time and its id differ")
	}
	if len(b.Files) > maxFiles || len(b.Objects) > maxFiles {
		return fmt.Errorf("it lists more than %d files", maxFiles)
	}
	if err := b.checkObjects(); err != nil {
		return err
	}
	if b.Closed() != (b.Recipients != "") {
		return errors.New("it is half encrypted")
	}
	if b.Closed() {
		b.Inside = Inside{}
		return nil // unseal checks the files
	}
	return b.checkFiles()
}

// checkObjects checks that the objects of b are in order.
func (b *Backup) checkObjects() error {
	sum, last := int64(0), ""
	for _, o := range b.Objects {
		if !objectForm.MatchString(o.Name) || !sumForm.MatchString(o.SHA256) {
			return fmt.Errorf("it lists the object %.80q, which is none", o.Name)
		}
		if o.Name <= last {
			return fmt.Errorf("the object %s is not in order", o.Name)
		}
		if o.Bytes < 0 || o.Bytes > math.MaxInt64-sum {
			return fmt.Errorf("the object %s has an impossible size", o.Name)
		}
		sum, last = sum+o.Bytes, o.Name
	}
	return nil
}

// objectOf returns the name of the object of a file of b.
func (b *Backup) objectOf(f File) string {
	if b.Recipients == "" {
		return f.SHA256
	}
	return f.SHA256 + "." + b.Recipients
}

// object returns the object of a file of b.
func (b *Backup) object(f File) (Object, bool) {
	i, ok := slices.BinarySearchFunc(b.Objects, b.objectOf(f), func(o Object, name string) int { return cmp.Compare(o.Name, name) })
	if !ok {
		return Object{}, false
	}
	return b.Objects[i], true
}

// checkFiles checks that the files of b can be created one beside the other, below any
// directory, and that each one has its object.
func (b *Backup) checkFiles() error {
	sum, last := int64(0), ""
	for _, f := range b.Files {
		switch o, ok := b.object(f); {
		case !goodPath(f.Path):
			return fmt.Errorf("it lists the path %.80q, which none of our files has", f.Path)
		case f.Path <= last || strings.HasPrefix(f.Path, last+"/"):
			return fmt.Errorf("the path %q is not in order", f.Path)
		case !ok || b.Recipients == "" && (o.Bytes != f.Bytes || o.SHA256 != f.SHA256) || o.Bytes < f.Bytes:
			return fmt.Errorf("it lists no object for the file %q", f.Path)
		case f.Bytes < 0 || f.Bytes > math.MaxInt64-sum:
			return fmt.Errorf("the file %q has an impossible size", f.Path)
		}
		sum, last = sum+f.Bytes, f.Path
	}
	if sum != b.Bytes {
		return errors.New("the sizes of its files have another sum")
	}
	return nil
}

// pathForm is the form of the paths of our files: names of an ordinary character set with
// one slash between two of them.
var pathForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// goodPath reports whether a path stays below the directory that it is relative to, on
// every system, and names no description of package backup.
func goodPath(path string) bool {
	return len(path) <= maxPath && strings.Contains(path, "/") && pathForm.MatchString(path) && filepath.IsLocal(filepath.FromSlash(path))
}

// A Listed is a backup in a list. Fault says why its description cannot be used, and
// Backup then has only the ID.
type Listed struct {
	*Backup
	Fault error
}

// List returns all backups, oldest first.
func (r *Repository) List(ctx context.Context) ([]Listed, error) {
	ids, err := r.ids(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Listed, len(ids))
	for i, id := range ids {
		b, err := r.Backup(ctx, id)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err != nil {
			b = &Backup{ID: id}
		}
		all[i] = Listed{b, err}
	}
	return all, nil
}

// ids returns the IDs of all descriptions in order. A file in their place that is none is
// an error of [Repository.List] and not counted: it may have any name.
func (r *Repository) ids(ctx context.Context) ([]string, error) {
	var ids []string
	err := r.backend.list(ctx, backupsPrefix, func(name string, _ int64) error {
		id, ok := strings.CutSuffix(strings.TrimPrefix(name, backupsPrefix), ".json")
		if !ok || CheckID(id) != nil {
			return nil
		}
		if len(ids) == maxBackups {
			return fmt.Errorf("%s has more than %d backups: prune it", r.place, maxBackups)
		}
		ids = append(ids, id)
		return nil
	})
	slices.Sort(ids)
	return ids, err
}

// Backup returns the description of the backup id.
func (r *Repository) Backup(ctx context.Context, id string) (*Backup, error) {
	file, err := r.read(ctx, nameOf(id), maxDescription)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no backup %s: \"rollcall backup list\" shows those that it has", r.place, id)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: the description %s cannot be read: %w", r.place, nameOf(id), err)
	}
	b, err := decode(id, file)
	if err == nil {
		err = r.unseal(b)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: the description %s %w", r.place, nameOf(id), err)
	}
	return b, nil
}

// Newest returns the ID of the newest backup.
func (r *Repository) Newest(ctx context.Context) (string, error) {
	ids, err := r.ids(ctx)
	if err != nil {
		return "", err
	}
	if len(ids) == 0 {
		return "", fmt.Errorf("%s has no backup yet", r.place)
	}
	return ids[len(ids)-1], nil
}

// byName orders objects.
func byName(a, b Object) int { return cmp.Compare(a.Name, b.Name) }
