package figures

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"rollcall/internal/account"
)

// maxKnownUsers is the number of bytes of a userCache above which it is cleared.
const maxKnownUsers = 32 << 20

// A userCache keeps the accounts that logged in on a day, so that they are not read from the
// store for each call. It is safe for concurrent use.
type userCache struct {
	mu   sync.Mutex
	size uint64 // bytes that were put
	of   map[account.AppID]map[string]knownUsers
}

// knownUsers are the stored accounts that logged in on a day. They are never changed.
type knownUsers struct {
	state string // of what is stored; see dayReader.state
	n     int64
	set   *roaring64.Bitmap // nil if only its size is known
}

// get returns what is known of a day in a state.
func (c *userCache) get(app account.AppID, date, state string) (knownUsers, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.of[app][date]
	return known, ok && known.state == state
}

// put keeps what is known of a day: the set itself if it will be needed again.
func (c *userCache) put(app account.AppID, date string, known knownUsers, again bool) {
	if !again {
		known.set = nil
	}
	size := uint64(len(date) + len(known.state))
	if known.set != nil {
		size += known.set.GetSizeInBytes()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size += size; c.of == nil || c.size > maxKnownUsers {
		c.of, c.size = map[account.AppID]map[string]knownUsers{}, size
	}
	if c.of[app] == nil {
		c.of[app] = map[string]knownUsers{}
	}
	c.of[app][date] = known
}

// drop forgets an app.
func (c *userCache) drop(app account.AppID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, app)
}
