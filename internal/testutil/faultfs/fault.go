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

// The operations that a fault can affect.
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

// Changes are the operations that change the file system.
var Changes = []Op{Create, Mkdir, Write, Sync, Rename, Link, Remove}

// A Fault affects selected operations on selected files. Empty Ops select all operations,
// and an empty Path selects all files. The zero Fault affects every operation without
// changing it.
type Fault struct {
	Ops  []Op
	Path string // a pattern of [path.Match]: of the base name, or of the path below the root if it has a slash

	Err   syscall.Errno // error of the operation, which is not performed
	Delay time.Duration // additional time of the operation
	Hang  bool          // the operation waits until the fault is switched off
	Free  uint64        // bytes that Statfs reports as free; 0 reports the real number
}

// An Active fault is one that is switched on.
type Active struct {
	Fault
	disk   *Disk
	once   sync.Once
	met    chan struct{}
	mended chan struct{}
}

// Met returns a channel that is closed when the fault affects an operation.
func (a *Active) Met() <-chan struct{} { return a.met }

// Mend switches the fault off. Operations that hang continue.
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

// Break switches a fault on. If several faults concern an operation, the first one
// affects it. Only Mend and Heal switch a fault off.
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

// Heal switches all faults off. A test must defer it, because a process that hangs in an
// operation cannot be killed until the operation ends.
func (d *Disk) Heal() {
	d.mu.Lock()
	faults := slices.Clone(d.faults)
	d.mu.Unlock()
	for _, a := range faults {
		a.Mend()
	}
}

// meet applies the first fault that concerns an operation on the file name. It returns
// the fault and its error, or nil and 0.
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
