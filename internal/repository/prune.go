package repository

import (
	"context"
	"slices"
	"time"
)

// Pruned is the result of [Repository.Prune].
type Pruned struct {
	Kept    []string `json:"kept"`    // IDs of the backups that stay, oldest first
	Removed []string `json:"removed"` // IDs of the other ones, oldest first
	Objects int      `json:"objects"` // that no backup needs any more
	Bytes   int64    `json:"bytes"`   // of those objects
}

// Prune removes the backups that keep does not keep, and then the objects that no backup
// needs. If dry is set, it removes nothing and says what it would remove.
//
// The newest backup always stays. A backup whose time is ahead, because a clock was wrong
// once, stays too, and takes the place of no other one. If a description cannot be read,
// Prune removes nothing, because it does not know which objects that backup needs.
func (r *Repository) Prune(ctx context.Context, keep Keep, dry bool) (*Pruned, error) {
	if err := keep.check(); err != nil {
		return nil, err
	}
	if dry {
		p, _, err := r.plan(ctx, keep)
		return p, err
	}
	var p *Pruned
	err := r.write(ctx, func(ctx context.Context) (err error) {
		var unused []string
		if p, unused, err = r.plan(ctx, keep); err != nil {
			return err
		}
		return r.carryOut(ctx, p, unused)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// plan says what a prune removes, and returns the names of the unused objects.
func (r *Repository) plan(ctx context.Context, keep Keep) (*Pruned, []string, error) {
	all, err := r.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(all)
	times := make([]time.Time, len(all))
	for i, b := range all {
		if b.Fault != nil {
			return nil, nil, &unreadableError{b.Fault}
		}
		times[i] = b.Created
	}
	p := &Pruned{Kept: []string{}, Removed: []string{}}
	needed := map[string]bool{}
	ahead := r.ahead(times)
	for i, kept := range append(make([]bool, ahead), keep.keeps(times[ahead:])...) {
		if !kept && i > ahead {
			p.Removed = append(p.Removed, all[i].ID)
			continue
		}
		p.Kept = append(p.Kept, all[i].ID)
		for _, o := range all[i].Objects {
			needed[o.Name] = true
		}
	}
	slices.Reverse(p.Kept)
	slices.Reverse(p.Removed)
	unused, err := r.unused(ctx, needed, p)
	return p, unused, err
}

// maxAhead is how far a time may be ahead of the clock of this machine: those of other
// machines differ, and newID counts seconds.
const maxAhead = time.Minute

// ahead returns the number of times, newest first, that have not come yet.
func (r *Repository) ahead(times []time.Time) int {
	latest := r.o.Now().Add(maxAhead)
	n := slices.IndexFunc(times, func(at time.Time) bool { return !at.After(latest) })
	if n < 0 {
		return len(times)
	}
	return n
}

// unused returns the names of the objects that are not needed, and counts them in p.
func (r *Repository) unused(ctx context.Context, needed map[string]bool, p *Pruned) ([]string, error) {
	stored, err := r.objects(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for name, bytes := range stored {
		if !needed[name] {
			names = append(names, name)
			p.Objects++
			p.Bytes += max(bytes, 0)
		}
	}
	slices.Sort(names)
	return names, nil
}

// carryOut removes the descriptions first. A prune that is interrupted leaves unused
// objects, and never a backup without its objects.
func (r *Repository) carryOut(ctx context.Context, p *Pruned, unused []string) error {
	for _, id := range p.Removed {
		if err := r.remove(ctx, nameOf(id)); err != nil {
			return err
		}
	}
	if len(p.Removed) > 0 {
		if err := r.backend.settle(ctx, backupsPrefix); err != nil {
			return err
		}
	}
	for _, name := range unused {
		if err := r.remove(ctx, objectName(name)); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a file while the lock is held.
func (r *Repository) remove(ctx context.Context, name string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.backend.remove(ctx, name)
}

// An unreadableError says why nothing is pruned.
type unreadableError struct{ cause error }

func (e *unreadableError) Error() string {
	return e.cause.Error() + "; nothing is removed, because nobody knows which objects it needs: put back the file, or remove it to give up the backup"
}

func (e *unreadableError) Unwrap() error { return e.cause }
