package account

import "time"

// An Event tells what has happened to accounts of an app, or to the app. It holds only
// what happened: items of a batch that failed are left out.
type Event struct {
	App   AppID       `json:"sdkappid"`
	Time  time.Time   `json:"time"` // of the app's clock; whole milliseconds
	Kind  EventKind   `json:"kind"`
	Items []EventItem `json:"items,omitempty"` // in the order of the call; none if the event is the app's

	// Action is what was done to the app, in the word of the audit trail: "key.add". It
	// is empty if the event is that of accounts.
	Action string `json:"action,omitempty"`
}

// An EventKind says what an [Event] tells of. Its text stands in stored data.
type EventKind string

// Kinds of events.
const (
	EventImported EventKind = "imported" // accounts were created, or given a Nick or FaceURL
	EventChanged  EventKind = "changed"  // tags of profiles were set or cleared
	EventDeleted  EventKind = "deleted"
	EventKicked   EventKind = "kicked"   // UserSigs from before Time are refused
	EventUnkicked EventKind = "unkicked" // UserSigs from before a kick are good again

	EventAppCreated EventKind = "app.created" // with accounts for its admins
	EventAppChanged EventKind = "app.changed" // keys, admins or settings; new admins have accounts
	EventAppDeleted EventKind = "app.deleted" // with the accounts of its admins
)

// An EventItem is one account of an [Event].
type EventItem struct {
	ID      UserID  `json:"id"`
	Created bool    `json:"created,omitempty"` // by an import
	Fields  []Field `json:"fields,omitempty"`  // given by an import or a change; an unset value clears
}
