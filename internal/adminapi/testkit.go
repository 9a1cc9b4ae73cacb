package adminapi

import "time"

// A Clock is the clock of a test app.
type Clock struct {
	Now      time.Time `json:"now"`       // time of the app
	OffsetMS int64     `json:"offset_ms"` // from real time
	Frozen   bool      `json:"frozen"`
}

// ClockPatch is a change of the clock of a test app. Its parts apply in this order.
type ClockPatch struct {
	Now       time.Time `json:"now,omitzero"`        // time to show, from 1970-01-02 to 2199-12-31; the current one if absent
	AdvanceMS int64     `json:"advance_ms,omitzero"` // milliseconds to add; may be negative
	Frozen    *bool     `json:"frozen,omitempty"`    // stops the clock, or lets it run on
}

// A Snapshot is a saved state of a test app, in the memory of the server.
type Snapshot struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	Accounts  int       `json:"accounts"`
	Bytes     int64     `json:"bytes"` // of memory, roughly
}

// SnapshotList contains every snapshot of an app.
type SnapshotList struct {
	Snapshots []Snapshot `json:"snapshots"`
}

// NewSnapshot is a snapshot to take.
type NewSnapshot struct {
	Name string `json:"name"` // 1 to 64 letters, digits, _, - and .; a snapshot of the same name is replaced
}
