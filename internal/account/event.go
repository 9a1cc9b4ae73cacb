package account

import "time"

// An Event reports a change of accounts of an app, or of the app itself. It leaves out
// the items of a batch that failed.
type Event struct {
	App   AppID       `json:"sdkappid"`
	Time  time.Time   `json:"time"` // by the clock of the app; whole milliseconds
	Kind  EventKind   `json:"kind"`
	Items []EventItem `json:"items,omitempty"` // in the order of the call; empty for an event of the app itself

	// Action is the action on the app as the audit trail names it, such as "key.add".
	// It is empty for an event of accounts.
	Action string `json:"action,omitempty"`
}

// An EventKind is the kind of change that an [Event] reports. Its text is part of stored
// data and must not change.
type EventKind string

// Kinds of events.
const (
	EventImported EventKind = "imported" // accounts were created, or given a Nick or FaceURL
	EventChanged  EventKind = "changed"  // tags of profiles were set or cleared
	EventDeleted  EventKind = "deleted"
	EventKicked   EventKind = "kicked"   // UserSigs signed before Time are refused
	EventUnkicked EventKind = "unkicked" // UserSigs signed before a kick are valid again

	EventAppCreated EventKind = "app.created" // with accounts for its admins
	EventAppChanged EventKind = "app.changed" // keys, admins or settings; new admins have accounts
	EventAppDeleted EventKind = "app.deleted" // with the accounts of its admins
)

// An EventItem is one account of an [Event].
type EventItem struct {
	ID      UserID  `json:"id"`
	Created bool    `json:"created,omitempty"` // the import created the account
	Fields  []Field `json:"fields,omitempty"`  // set by an import or a change; an unset value clears the field
}
