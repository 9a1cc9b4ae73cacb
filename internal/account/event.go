package account

import (
	"net/netip"
	"time"
)

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

	// Operator is the account that made the call, and Address the one that the call came
	// from, of an EventImported and an EventChanged. Operator is Administrator for a call that
	// has no account, such as one of the admin API.
	Operator UserID     `json:"operator,omitempty"`
	Address  netip.Addr `json:"address,omitzero"`

	Alert *RateAlert `json:"alert,omitempty"` // of an EventAlert
}

// An EventKind is the kind of change that an [Event] reports. Its text is part of stored
// data and must not change.
type EventKind string

// Kinds of events.
const (
	EventImported EventKind = "imported" // accounts were created, or given a Nick or FaceURL; or tags were set by a bulk import
	EventChanged  EventKind = "changed"  // tags of profiles were set or cleared
	EventDeleted  EventKind = "deleted"
	EventKicked   EventKind = "kicked"   // UserSigs signed before Time are refused
	EventUnkicked EventKind = "unkicked" // UserSigs signed before a kick are valid again
	EventState    EventKind = "state"    // a login session began, ended or changed; each item has a State
	EventAlert    EventKind = "alert"    // calls came near a rate limit; there are no items

	EventAppCreated EventKind = "app.created" // with accounts for its admins
	EventAppChanged EventKind = "app.changed" // keys, admins or settings; new admins have accounts
	EventAppDeleted EventKind = "app.deleted" // with the accounts of its admins
)

// An EventItem is one account of an [Event].
type EventItem struct {
	ID      UserID  `json:"id"`
	Created bool    `json:"created,omitempty"` // the import created the account
	Fields  []Field `json:"fields,omitempty"`  // set by an import or a change; an unset value clears the field

	State *StateChange `json:"state,omitempty"` // of an EventState
}

// A StateChange reports what happened to a login session, which is that of one device
// (protocol-sessions.md §1.2, §5).
type StateChange struct {
	At       int64       `json:"at"` // EventTime in Unix milliseconds; rises strictly for each account
	Action   StateAction `json:"action"`
	Reason   StateReason `json:"reason"`
	Platform Platform    `json:"platform,omitempty"` // of the device
	Address  netip.Addr  `json:"address,omitzero"`   // of the device, as it was seen last
	Status   string      `json:"status,omitempty"`   // the custom status that was set; "" if it was cleared
	Replaced []Platform  `json:"replaced,omitempty"` // devices that gave way to the one that logged in
}

// A StateAction is the Action of a State.StateChange.
type StateAction string

// Actions of a State.StateChange.
const (
	StateLogin      StateAction = "Login"
	StateLogout     StateAction = "Logout"
	StateDisconnect StateAction = "Disconnect"
	StateCustom     StateAction = "CustomStatusChange"
)

// A StateReason is the Reason of a State.StateChange.
type StateReason string

// Reasons of a State.StateChange.
const (
	ReasonRegister   StateReason = "Register"        // of a Login
	ReasonUnregister StateReason = "Unregister"      // of a Logout
	ReasonLinkClose  StateReason = "LinkClose"       // of a Disconnect that was seen
	ReasonTimeOut    StateReason = "TimeOut"         // of a Disconnect that nothing but silence told
	ReasonCustom     StateReason = "SetCustomStatus" // of a CustomStatusChange
)

// A RateAlert reports that the calls of a command came near their rate limit, or over it
// (protocol-sessions.md §7).
type RateAlert struct {
	Service  string `json:"service"` // such as openim
	Command  string `json:"command"`
	Requests int64  `json:"requests"` // calls within the second of the alert, up to then
	Limit    int64  `json:"limit"`    // calls per second
}
