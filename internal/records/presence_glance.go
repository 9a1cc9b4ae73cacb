package records

import (
	"hash/maphash"
	"sync"

	"rollcall/internal/account"
)

// A Glance is the state of an account as its stored login sessions give it.
type Glance uint8

// Glances.
const (
	GlanceUnknown Glance = iota // the memory does not tell; the login sessions must be read
	GlanceOffline               // no devices
	GlancePush                  // devices, none of them online
	GlanceOnline
)

// glancePage is the number of accounts in a page of glances. Accounts that were imported
// together have neighbouring InternalIDs, so a page is seldom nearly empty.
const glancePage = 64

// presenceGlances keep a short form of all login sessions by InternalID. The form of a million
// accounts has 24 MB and no pointers. So a status query of many accounts waits once for the
// memory of each, where the login sessions themselves take five times as long.
type presenceGlances struct {
	mu    sync.RWMutex // protects pages
	pages map[uint64]*[glancePage]glance
}

// A glance is the short form of the login sessions of one account. The zero glance is that of
// an account without any.
type glance struct {
	due   int64  // see PresenceChange.Due
	since uint32 // Unix time in seconds of the login of the oldest device
	node  uint32 // see nodeMark; 0 if no node holds a link
	state Glance // GlanceUnknown for an account without a record
	blind bool   // the login sessions must be read
}

// glanceOf returns the short form of p.
func (m *presenceMemory) glanceOf(p *Presence, due int64) glance {
	g := glance{due: due, state: GlanceOffline}
	for i := range p.Devices {
		d := &p.Devices[i]
		if since := uint32(d.Login / 1000); i == 0 || since < g.since {
			g.since = since
		}
		if d.Lost == 0 {
			g.state = GlanceOnline
		}
		if d.Node == "" {
			continue
		}
		mark := m.nodeMark(d.Node)
		g.blind = g.blind || g.node != 0 && g.node != mark
		g.node = mark
	}
	if len(p.Devices) > 0 && g.state == GlanceOffline {
		g.state = GlancePush
	}
	return g
}

// nodeMark returns a number for a node that other nodes do not have, in all probability.
func (m *presenceMemory) nodeMark(node string) uint32 {
	return uint32(maphash.String(m.seed, node)) | 1
}

// at returns the state of an account at a time. own is the mark of the node whose links are
// known to live.
func (g *glance) at(now, kicked int64, own uint32) Glance {
	switch {
	case g.blind, g.due != 0 && g.due <= now, g.node != 0 && g.node != own:
		return GlanceUnknown
	case g.state == GlanceUnknown:
		return GlanceOffline
	case int64(g.since) < kicked && g.state != GlanceOffline:
		return GlanceUnknown
	}
	return g.state
}

// put sets the glance of an account.
func (gs *presenceGlances) put(internalID uint64, g glance) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	number, at := internalID/glancePage, internalID%glancePage
	page := gs.pages[number]
	switch {
	case page == nil && g == glance{}:
		return
	case page == nil:
		page = new([glancePage]glance)
		gs.pages[number] = page
	}
	page[at] = g
	if g == (glance{}) && *page == [glancePage]glance{} {
		delete(gs.pages, number)
	}
}

// Glances returns the states of accounts at a time, in Unix milliseconds by the clock of
// their app, without a look at their login sessions. own is the ID of this node, or "" if it
// has none. An account of which the memory does not tell everything is GlanceUnknown: a change
// has come due, its login sessions are from before a kick, or another node has a link.
func (r *Registry) Glances(status []account.Status, now int64, own string) []Glance {
	all := make([]Glance, len(status))
	m := r.memory.Load()
	if m == nil || !m.whole.Load() {
		return all
	}
	mark := m.nodeMark(own)
	m.glances.mu.RLock()
	defer m.glances.mu.RUnlock()
	var some [glanceBatch]glance
	for from := 0; from < len(status); from += glanceBatch {
		part := status[from:min(from+glanceBatch, len(status))]
		m.glances.load(part, &some)
		for i := range part {
			all[from+i] = some[i].at(now, part[i].Kicked, mark)
		}
	}
	return all
}

// glanceBatch is the number of glances that are loaded at once.
const glanceBatch = 16

// load loads the glances of up to glanceBatch accounts. It decides nothing by them, so the
// processor waits for the memory of all of them at once. The caller holds mu.
func (gs *presenceGlances) load(status []account.Status, into *[glanceBatch]glance) {
	for i := range status {
		id := status[i].InternalID
		into[i] = glance{}
		if page := gs.pages[id/glancePage]; page != nil {
			into[i] = page[id%glancePage]
		}
	}
}
