package figures

import "context"

// Store does what [Figures.Run] does once a minute.
func (f *Figures) Store(ctx context.Context) error { return f.store(ctx) }
