package importer

import "sync"

// A Pause stops a run for a while, from any goroutine. A nil Pause never does.
type Pause struct {
	mu sync.Mutex
	on bool
	ch chan struct{} // closed at the next change
}

// Toggle pauses the run, or lets it go on. It returns whether the run is paused now.
func (p *Pause) Toggle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = !p.on
	if p.ch != nil {
		close(p.ch)
		p.ch = nil
	}
	return p.on
}

func (p *Pause) paused() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.on
}

// changed returns a channel that is closed at the next change.
func (p *Pause) changed() <-chan struct{} {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ch == nil {
		p.ch = make(chan struct{})
	}
	return p.ch
}
