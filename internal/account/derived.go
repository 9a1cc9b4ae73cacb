package account

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Derived caches, for each app, a value that is computed from one list of the app's
// record, such as parsed keys or a word matcher. It builds the value again only when
// the content of that list changes. Other changes of the record keep the value.
// Derived is safe for concurrent use. Its zero value is not usable; see [NewDerived].
type Derived[E comparable, T any] struct {
	list  func(*App) []E
	build func([]E) T
	apps  sync.Map // AppID → *derivedApp[E, T]
}

// A derivedApp contains the value of one app.
type derivedApp[E comparable, T any] struct {
	building sync.Mutex // held while the value is replaced
	current  atomic.Pointer[derived[E, T]]
}

// A derived is a value and the list that it was built from.
type derived[E comparable, T any] struct {
	list  []E
	value T
}

// NewDerived returns a Derived that passes the result of list to build. The lists are
// kept without a copy, because records are never changed in place.
func NewDerived[E comparable, T any](list func(*App) []E, build func([]E) T) *Derived[E, T] {
	return &Derived[E, T]{list: list, build: build}
}

// Of returns the value for this record of an app. If concurrent callers need a new
// value, one of them builds it and the others wait.
func (d *Derived[E, T]) Of(app *App) T {
	list := d.list(app)
	v, ok := d.apps.Load(app.ID)
	if !ok {
		v, _ = d.apps.LoadOrStore(app.ID, new(derivedApp[E, T]))
	}
	a := v.(*derivedApp[E, T])
	if current := a.current.Load(); current != nil && sameArray(current.list, list) {
		return current.value
	}
	return d.renew(a, list)
}

// renew returns the value for list. It keeps the current value if the content of the
// list has not changed, and builds a new one otherwise.
func (d *Derived[E, T]) renew(a *derivedApp[E, T], list []E) T {
	a.building.Lock()
	defer a.building.Unlock()
	next := &derived[E, T]{list: list}
	if current := a.current.Load(); current != nil && slices.Equal(current.list, list) {
		next.value = current.value
	} else {
		next.value = d.build(list)
	}
	a.current.Store(next)
	return next.value
}

// sameArray reports whether a and b are the same slice of memory. This check saves
// comparing a long list in each call.
func sameArray[E any](a, b []E) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}

// Drop removes the value of a deleted app.
func (d *Derived[E, T]) Drop(app AppID) { d.apps.Delete(app) }
