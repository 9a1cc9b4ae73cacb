package calls

import (
	"container/list"
	"sync"
	"time"
)

// Limits of a Log.
const (
	MaxCalls    = 1000     // calls of one app
	maxAppBytes = 8 << 20  // of the calls of one app
	maxBytes    = 64 << 20 // of all calls
)

// A Log holds the newest calls of each app within its limits. The oldest calls make
// room for new ones: those of the same app if it has too many, otherwise the oldest of
// all. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	seq   uint64
	all   list.List // of *entry, oldest first
	bytes int
	apps  map[uint32]*appCalls
	byID  map[string]*entry
	added chan struct{} // closed by the next Add; nil if nobody waits
}

// An appCalls holds the calls of one app.
type appCalls struct {
	calls list.List // of *entry, oldest first
	bytes int
}

// An entry is a call and its places.
type entry struct {
	call         *Call
	size         int
	inAll, inApp *list.Element
}

// NewLog returns an empty Log. Its sequence numbers begin above those of logs that were
// created before, so that a reader notices the restart of a server only by missing calls.
func NewLog() *Log {
	const perMillisecond = 1000 // more than a server serves
	return &Log{
		seq:  uint64(time.Now().UnixMilli()) * perMillisecond,
		apps: map[uint32]*appCalls{}, byID: map[string]*entry{},
	}
}

// Add adds c, which must not be changed afterwards, and sets its Seq.
func (l *Log) Add(c *Call) {
	e := &entry{call: c, size: c.size()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	c.Seq = l.seq
	app := l.apps[c.SDKAppID]
	if app == nil {
		app = new(appCalls)
		l.apps[c.SDKAppID] = app
	}
	e.inAll, e.inApp = l.all.PushBack(e), app.calls.PushBack(e)
	l.byID[c.RequestID] = e
	l.bytes += e.size
	app.bytes += e.size
	for app.calls.Len() > MaxCalls || app.bytes > maxAppBytes {
		l.remove(oldest(&app.calls))
	}
	for l.bytes > maxBytes {
		l.remove(oldest(&l.all))
	}
	if l.added != nil {
		close(l.added)
		l.added = nil
	}
}

func oldest(l *list.List) *entry { return l.Front().Value.(*entry) }

// remove removes e. The caller has locked l.mu.
func (l *Log) remove(e *entry) {
	app := l.apps[e.call.SDKAppID]
	l.all.Remove(e.inAll)
	app.calls.Remove(e.inApp)
	l.bytes -= e.size
	app.bytes -= e.size
	if app.calls.Len() == 0 {
		delete(l.apps, e.call.SDKAppID)
	}
	if l.byID[e.call.RequestID] == e {
		delete(l.byID, e.call.RequestID)
	}
}

// Find returns the call with a request id, or nil.
func (l *Log) Find(requestID string) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.byID[requestID]; e != nil {
		return e.call
	}
	return nil
}

// Newest returns at most limit calls, newest first, and the Seq of the newest call of
// any app, for [Log.After].
func (l *Log) Newest(f Filter, limit int) (found []*Call, last uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.of(f.App).Back(); e != nil && len(found) < limit; e = e.Prev() {
		if c := e.Value.(*entry).call; f.selects(c) {
			found = append(found, c)
		}
	}
	return found, l.seq
}

// of returns the calls of an app, or all for 0. The caller has locked l.mu.
func (l *Log) of(app uint32) *list.List {
	if app == 0 {
		return &l.all
	}
	if a := l.apps[app]; a != nil {
		return &a.calls
	}
	return new(list.List)
}

// After returns at most limit calls with a Seq above after, oldest first. The returned
// last is the value of after for the next calls.
func (l *Log) After(f Filter, after uint64, limit int) (found []*Call, last uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := l.of(f.App)
	first := calls.Front()
	for e := calls.Back(); e != nil; e = e.Prev() { // the new calls are the last ones, and usually few
		if e.Value.(*entry).call.Seq <= after {
			first = e.Next()
			break
		}
	}
	for e := first; e != nil; e = e.Next() {
		c := e.Value.(*entry).call
		if !f.selects(c) {
			continue
		}
		if found = append(found, c); len(found) == limit {
			return found, c.Seq
		}
	}
	return found, l.seq
}

// Added returns a channel that is closed when a call is added. To wait for a call, call
// Added before the look at the calls that are there.
func (l *Log) Added() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.added == nil {
		l.added = make(chan struct{})
	}
	return l.added
}

// Clear removes the calls of an app and returns their number.
func (l *Log) Clear(app uint32) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a := l.apps[app]; a != nil && a.calls.Len() > 0; n++ {
		l.remove(oldest(&a.calls))
	}
	return n
}
