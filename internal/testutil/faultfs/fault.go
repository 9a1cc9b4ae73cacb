//go:build linux

package faultfs

import (
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// An Op is a kind of operation.
type Op string

// The operations that faults can be of.
const (
	Open   Op = "open" // of a file that exists
	Create Op = "create"
	Mkdir  Op = "mkdir"
	Read   Op = "read"
	Write  Op = "write"
	Sync   Op = "sync" // fsync and fdatasync of a file
	Rename Op = "rename"
	Link   Op = "link"
	Remove Op = "remove" // of a file or a directory
	Stat   Op = "stat"   // and the look-up of a name
	Statfs Op = "statfs"
)

// Changes are the operations that change something.
var Changes = []Op{Create, Mkdir, Write, Sync, Rename, Link, Remove}

// A Fault says what is wrong, with which operations on which files. What it leaves out
// does not narrow it: the zero Fault meets every operation and changes nothing.
type Fault struct {
	Ops  []Op
	Path string // a pattern of [path.Match]: of the base name, or of the path below the root if it has a slash

	Err   syscall.Errno // that the operation answers; it is not carried out
	Delay time.Duration // that the operation takes longer
	Hang  bool          // the operation waits until the fault is mended
	Free  uint64        // bytes, for Statfs: what it says is free; 0 is the truth
}

// An Active fault is one that is switched on.
type Active struct {
	Fault
	disk   *Disk
	once   sync.Once
	met    chan struct{}
	mended chan struct{}
}

// Met returns a channel that is closed when an operation meets the fault.
func (a *Active) Met() <-chan struct{} { return a.met }

// Mend switches the fault off. What hangs goes on.
func (a *Active) Mend() {
	a.disk.mu.Lock()
	defer a.disk.mu.Unlock()
	if i := slices.Index(a.disk.faults, a); i >= 0 {
		a.disk.faults = slices.Delete(a.disk.faults, i, i+1)
		close(a.mended)
	}
}

func (f *Fault) concerns(op Op, name string) bool {
	if !strings.Contains(f.Path, "/") {
		name = path.Base(name)
	}
	matched, _ := path.Match(f.Path, name) // Break has checked the pattern
	return (matched || f.Path == "") && (len(f.Ops) == 0 || slices.Contains(f.Ops, op))
}

// Break switches a fault on. The first of several that concern an operation counts.
// Nothing but Mend and Heal switches it off.
func (d *Disk) Break(f Fault) *Active {
	if _, err := path.Match(f.Path, ""); err != nil {
		panic(err)
	}
	a := &Active{Fault: f, disk: d, met: make(chan struct{}), mended: make(chan struct{})}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, a)
	return a
}

// Heal switches all faults off. A test defers it: a process that hangs on the disk can
// only be killed when the disk answers.
func (d *Disk) Heal() {
	d.mu.Lock()
	faults := slices.Clone(d.faults)
	d.mu.Unlock()
	for _, a := range faults {
		a.Mend()
	}
}

// meet lets an operation on the file name meet the fault that concerns it, if there is
// one, and returns it with its error.
func (d *Disk) meet(op Op, name string) (*Active, syscall.Errno) {
	d.mu.Lock()
	i := slices.IndexFunc(d.faults, func(a *Active) bool { return a.concerns(op, name) })
	if i < 0 {
		d.mu.Unlock()
		return nil, 0
	}
	a := d.faults[i]
	d.mu.Unlock()
	a.once.Do(func() { close(a.met) })
	time.Sleep(a.Delay)
	if a.Hang {
		<-a.mended
	}
	return a, a.Err
}
