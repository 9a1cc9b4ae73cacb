package account

import "sync"

// Derived keeps a value that is computed from an app's record, such as parsed
// keys or a word matcher, until the record changes. It is safe for concurrent
// use; its zero value is not usable, see [NewDerived].
type Derived[T any] struct {
	build func(*App) T
	m     sync.Map // AppID → derived[T]
}

// A derived is known by the record itself, which nobody changes: an app that is
// deleted and made again has the versions of the old one over again.
type derived[T any] struct {
	app   *App
	value T
}

// NewDerived returns a Derived whose values build makes. Two calls for the same
// record may run build twice.
func NewDerived[T any](build func(*App) T) *Derived[T] { return &Derived[T]{build: build} }

// Of returns the value for app as it stands in this record.
func (d *Derived[T]) Of(app *App) T {
	if v, ok := d.m.Load(app.ID); ok {
		if v := v.(derived[T]); v.app == app {
			return v.value
		}
	}
	v := d.build(app)
	d.m.Store(app.ID, derived[T]{app, v})
	return v
}
