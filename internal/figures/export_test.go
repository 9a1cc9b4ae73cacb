package figures

import "context"

// Store does what [Figures.Run] does once a minute.
func (f *Figures) Store(ctx context.Context) error { return f.store(ctx) }

// FlushLast does what [Figures.Run] does at its end.
func (f *Figures) FlushLast(ctx context.Context) error { return f.flushLast(ctx) }
