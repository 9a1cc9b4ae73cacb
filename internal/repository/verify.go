package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// maxFaults is the number of faults that a [Report] lists.
const maxFaults = 1000

// A Report is the result of [Repository.Verify].
type Report struct {
	Backups int     `json:"backups"` // that were checked
	Objects int     `json:"objects"` // that were read
	Bytes   int64   `json:"bytes"`   // that were read
	Faults  []Fault `json:"faults"`  // at most 1000, in the order of their finding
	More    int     `json:"more_faults,omitempty"`

	// UnusedObjects are stored without a backup that needs them. They are no fault: prune
	// removes them. They are counted only if all backups are checked.
	UnusedObjects int   `json:"unused_objects"`
	UnusedBytes   int64 `json:"unused_bytes"`
}

// A Fault is a file of a repository that is not as it was written.
type Fault struct {
	File    string   `json:"file"`            // below the repository
	Paths   []string `json:"paths,omitempty"` // of the backup's files that it contains
	Backups []string `json:"backups"`         // that need it
	Text    string   `json:"fault"`           // continues a sentence that begins with File
}

func (r *Report) add(f Fault) {
	if len(r.Faults) == maxFaults {
		r.More++
		return
	}
	r.Faults = append(r.Faults, f)
}

// Err returns an error that names the first fault, or nil if there is none.
func (r *Report) Err() error {
	if len(r.Faults) == 0 {
		return nil
	}
	f, more := r.Faults[0], ""
	if n := len(r.Faults) + r.More - 1; n > 0 {
		more = fmt.Sprintf("; %d more files have faults", n)
	}
	if len(f.Paths) > 0 {
		return fmt.Errorf("%s (%s of %s) %s%s", f.File, f.Paths[0], f.Backups[0], f.Text, more)
	}
	return fmt.Errorf("%s %s%s", f.File, f.Text, more)
}

// Verify reads every stored file of the backups ids and compares it with its description.
// Without ids it checks all backups, and every name in the repository. A fault is no error
// of the call. Verify writes nothing.
func (r *Repository) Verify(ctx context.Context, ids []string, p Progress) (*Report, error) {
	report := &Report{Faults: []Fault{}}
	all := len(ids) == 0
	if all {
		var err error
		if ids, err = r.checkNames(ctx, report); err != nil {
			return nil, err
		}
	}
	v := verification{r: r, report: report, progress: p, needed: map[string]*need{}}
	for _, id := range ids {
		b, err := r.Backup(ctx, id)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		report.Backups++
		if err != nil {
			report.add(Fault{File: nameOf(id), Backups: []string{id}, Text: strings.TrimPrefix(err.Error(), r.place+": the description "+nameOf(id)+" ")})
			continue
		}
		v.need(b)
	}
	if err := v.objects(ctx, all); err != nil {
		return nil, err
	}
	return report, nil
}

// checkNames returns the IDs of all backups. It reports files that are none of ours.
func (r *Repository) checkNames(ctx context.Context, report *Report) ([]string, error) {
	ids, err := r.ids(ctx)
	if err != nil {
		return nil, err
	}
	err = r.backend.list(ctx, backupsPrefix, func(name string, _ int64) error {
		if id, ok := strings.CutSuffix(strings.TrimPrefix(name, backupsPrefix), ".json"); !ok || CheckID(id) != nil {
			report.add(Fault{File: name, Text: "is no description of a backup: remove it, or move it to another place"})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = r.backend.list(ctx, objectsPrefix, func(name string, _ int64) error {
		if _, ok := objectOf(name); !ok {
			report.add(Fault{File: name, Text: "is no object of a backup: remove it, or move it to another place"})
		}
		return nil
	})
	return ids, err
}

// A need is an object with the backups that need it. Descriptions that disagree about an
// object are each checked.
type need struct {
	Object
	paths, backups []string
}

// A verification reads the objects of some backups, each one once.
type verification struct {
	r           *Repository
	report      *Report
	progress    Progress
	needed      map[string]*need // by name, size and checksum
	listed      map[string]bool  // names with the checksums that any backup lists; nil until they are read
	done, total int64
}

// need adds the objects of b.
func (v *verification) need(b *Backup) {
	paths := map[string][]string{}
	for _, f := range b.Files {
		paths[b.objectOf(f)] = append(paths[b.objectOf(f)], f.Path)
	}
	for _, o := range b.Objects {
		key := fmt.Sprint(o.Name, o.Bytes, o.SHA256)
		n := v.needed[key]
		if n == nil {
			n = &need{Object: o, paths: paths[o.Name]}
			v.needed[key] = n
			v.total += o.Bytes
		}
		n.backups = append(n.backups, b.ID)
	}
}

// objects reads the objects in the order of names. If all backups are checked, it counts
// the unused objects too.
func (v *verification) objects(ctx context.Context, all bool) error {
	stored, err := v.r.objects(ctx)
	if err != nil {
		return err
	}
	list := make([]*need, 0, len(v.needed))
	for _, n := range v.needed {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b *need) int { return byName(a.Object, b.Object) })
	for _, n := range list {
		err := v.object(ctx, n, stored)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			v.report.add(Fault{objectName(n.Name), n.paths, n.backups, err.Error()})
		}
	}
	for _, n := range list {
		delete(stored, n.Name)
	}
	if all && len(v.report.Faults) == 0 {
		for _, bytes := range stored {
			v.report.UnusedObjects++
			v.report.UnusedBytes += max(bytes, 0)
		}
	}
	return nil
}

// object reads one object. The text of its error says what is wrong with the object.
func (v *verification) object(ctx context.Context, n *need, stored map[string]int64) error {
	bytes, ok := stored[n.Name]
	switch {
	case !ok:
		return errors.New("is missing")
	case bytes != n.Bytes:
		return fmt.Errorf("has %d bytes instead of %d: it is damaged", max(bytes, 0), n.Bytes)
	}
	v.report.Objects++
	err := v.r.copyObject(ctx, n.Object, io.Discard, func(k int) {
		v.report.Bytes += int64(k)
		v.done += int64(k)
		if v.progress != nil {
			v.progress(v.done, v.total)
		}
	})
	if other, ok := errors.AsType[*otherContentError](err); ok && v.storedAgain(ctx, n, other.sum) {
		return nil
	}
	return err
}

// storedAgain reports whether a backup lists an encrypted object with the checksum sum. A
// backup that found the object missing has stored it again then, and an encryption never
// gives the same bytes twice.
func (v *verification) storedAgain(ctx context.Context, n *need, sum string) bool {
	if !encrypted(n.Name) {
		return false
	}
	if v.listed == nil {
		all, err := v.r.List(ctx)
		if err != nil {
			return false
		}
		v.listed = map[string]bool{}
		for _, b := range all {
			for _, o := range b.Objects {
				v.listed[o.Name+" "+o.SHA256] = true
			}
		}
	}
	return v.listed[n.Name+" "+sum]
}

// An otherContentError is the error of an object with the checksum sum instead of its own.
type otherContentError struct{ sum string }

func (e *otherContentError) Error() string {
	return "has another content than was stored: it is damaged"
}

// copyObject writes an object, as it is stored, to w, and reads no more than its size. The
// text of its error says what is wrong with the object.
func (r *Repository) copyObject(ctx context.Context, o Object, w io.Writer, read func(int)) error {
	in, err := r.backend.get(ctx, objectName(o.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("is missing")
	}
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	defer in.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, w), io.LimitReader(reader(ctx, &counted{in, read}), o.Bytes))
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	rest, err := io.CopyN(io.Discard, in, 1)
	switch {
	case n < o.Bytes:
		return fmt.Errorf("has %d bytes instead of %d: it is damaged", n, o.Bytes)
	case rest > 0:
		return fmt.Errorf("has more bytes than %d: it is damaged", o.Bytes)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("cannot be read: %w", err)
	}
	if found := hex.EncodeToString(sum.Sum(nil)); found != o.SHA256 {
		return &otherContentError{found}
	}
	return nil
}
