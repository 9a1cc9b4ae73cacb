package records

import (
	"hash/maphash"
	"math"
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

const (
	// glancePage is the number of accounts in a page of glances. Accounts that were imported
	// together have neighbouring InternalIDs, so a page is seldom nearly empty.
	glancePage = 64

	// glancePages is the number of pages in a list of pages. InternalIDs can have large gaps,
	// so there is a list only where there are accounts.
	glancePages = 1024

	// maxGlance is the first InternalID without a glance. It bounds the list of the lists,
	// which is as long as the largest InternalID demands, to 128 KB.
	maxGlance = 1 << 30

	// glanceBatch is the number of glances that are loaded at once.
	glanceBatch = 16
)

// presenceGlances keep a short form of all login sessions by InternalID. That of a million
// accounts has 8 MB and no pointers. So a status query of many accounts waits once for the
// memory of each, and unpacks nothing.
type presenceGlances struct {
	mu    sync.RWMutex // protects lists
	lists []*[glancePages]*[glancePage]glance
}

// A glance is the short form of the login sessions of one account. The zero glance is that of
// an account without any.
type glance struct {
	due  uint32 // Unix time in seconds from which on it may be wrong; see PresenceChange.Due
	bits uint32 // the state, and the mark of the node that holds a link; see nodeMark
}

const (
	glanceState = 3          // bits of the state; 0 for an account without a record
	glanceBlind = 4          // the bit that demands a look at the login sessions
	glanceNode  = ^uint32(7) // bits of the mark of a node
	never       = ^uint32(0) // a due that does not come
)

// glanceOf returns the short form of p.
func (m *presenceMemory) glanceOf(p *Presence, due int64) glance {
	g := glance{due: never, bits: uint32(GlanceOffline)}
	if due != 0 {
		g.due = uint32(min(max(due/1000, 0), math.MaxUint32-1))
	}
	for i := range p.Devices {
		d := &p.Devices[i]
		if d.Lost == 0 {
			g.bits = g.bits&^glanceState | uint32(GlanceOnline)
		} else if g.bits&glanceState == uint32(GlanceOffline) {
			g.bits = g.bits&^glanceState | uint32(GlancePush)
		}
		switch mark := m.nodeMark(d.Node); {
		case d.Node == "":
		case g.bits&glanceNode != 0 && g.bits&glanceNode != mark: // two nodes
			g.bits |= glanceBlind
		default:
			g.bits |= mark
		}
	}
	return g
}

// nodeMark returns bits for a node that other nodes do not have, in all probability.
func (m *presenceMemory) nodeMark(node string) uint32 {
	return uint32(maphash.String(m.seeds[0], node))&glanceNode | 8
}

// at returns the state of an account at a time in Unix seconds. own is the mark of the node
// whose links are known to live.
func (g glance) at(now int64, kicked bool, own uint32) Glance {
	node := g.bits & glanceNode
	switch {
	case g.bits == 0:
		return GlanceOffline
	case g.bits&glanceBlind != 0, kicked, int64(g.due) <= now, node != 0 && node != own:
		return GlanceUnknown
	}
	return Glance(g.bits & glanceState)
}

// page returns the place of the page of an InternalID, or nil if it has no list.
func (gs *presenceGlances) page(internalID uint64) **[glancePage]glance {
	number := internalID / glancePage
	if list := number / glancePages; list < uint64(len(gs.lists)) && gs.lists[list] != nil {
		return &gs.lists[list][number%glancePages]
	}
	return nil
}

// put sets the glance of an account.
func (gs *presenceGlances) put(internalID uint64, g glance) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if g != (glance{}) {
		gs.addList(internalID)
	}
	page, at := gs.page(internalID), internalID%glancePage
	switch {
	case page == nil:
		return
	case *page == nil:
		*page = new([glancePage]glance)
	}
	(*page)[at] = g
	if g == (glance{}) && **page == [glancePage]glance{} {
		*page = nil
	}
}

// addList adds the list of an InternalID, if it has none.
func (gs *presenceGlances) addList(internalID uint64) {
	if internalID >= maxGlance {
		return
	}
	list := int(internalID / glancePage / glancePages)
	if more := list + 1 - len(gs.lists); more > 0 {
		gs.lists = append(gs.lists, make([]*[glancePages]*[glancePage]glance, more)...)
	}
	if gs.lists[list] == nil {
		gs.lists[list] = new([glancePages]*[glancePage]glance)
	}
}

// load loads the glances of up to glanceBatch accounts. It decides nothing by them, so the
// processor waits for the memory of all of them at once. The caller holds mu.
func (gs *presenceGlances) load(status []account.Status, into *[glanceBatch]glance) {
	for i := range status {
		id := status[i].InternalID
		into[i] = glance{}
		if page := gs.page(id); page != nil && *page != nil {
			into[i] = (*page)[id%glancePage]
		} else if id >= maxGlance {
			into[i] = glance{bits: glanceBlind}
		}
	}
}

// Glances returns the states of accounts at a time, in Unix milliseconds by the clock of
// their app, without a look at their login sessions. own is the ID of this node, or "" if it
// has none. An account of which the memory does not tell everything is GlanceUnknown: a change
// may have come due, it was kicked at some time, or another node has a link.
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
			all[from+i] = some[i].at(now/1000, part[i].Kicked > 0, mark)
		}
	}
	return all
}
