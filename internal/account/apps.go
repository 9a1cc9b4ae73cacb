package account

import (
	"context"
	"time"
)

// Apps keeps the records of apps and the trail of what admins did.
// Implementations are safe for concurrent use, and durable as a [Store] is.
// Its rules for errors hold here too.
//
// Each change is stored together with its entry in the audit trail: either
// both are there or neither is. Record stores the entry of an action that changes
// nothing here.
//
// An admin of an app always has an account. CreateApp and UpdateApp import the admins
// that have none in the commit that names them: at the Time of the audit entry, past
// any quota and tombstone.
type Apps interface {
	// CreateApp stores a, with Version 1.
	// Codes: Exists.
	CreateApp(ctx context.Context, a App, by AuditEntry) (*App, error)

	// App returns one app. It costs no more than a look-up in memory; an
	// engine that several nodes share may answer what was true up to a second
	// ago. The app is shared and must not be changed.
	// Codes: NoApp.
	App(ctx context.Context, id AppID) (*App, error)

	// Apps returns all apps in the order of their ids.
	Apps(ctx context.Context) ([]*App, error)

	// UpdateApp stores what fn makes of the app, with the next Version. fn
	// gets a copy of its own, may be called more than once and must have no
	// side effects; if it returns an error, nothing is stored and UpdateApp
	// returns that error as it is. ID, Created and Version cannot be changed.
	// Codes: NoApp, and those of fn.
	UpdateApp(ctx context.Context, id AppID, fn func(App) (App, error), by AuditEntry) (*App, error)

	// DeleteApp removes an app together with the accounts of its admins. It
	// is refused while the app has any other account. Tombstones and watermarks
	// go too, so that a new app of the same id starts clean.
	//
	// Codes: NoApp, Conflict.
	DeleteApp(ctx context.Context, id AppID, by AuditEntry) error

	// Record stores an entry of what changed no app and no token, with the App
	// that it names; 0 for none. It is not checked that there is such an app.
	// Repeating it after Unavailable may store a second entry.
	Record(ctx context.Context, entry AuditEntry) error

	// Audit returns entries, newest first.
	Audit(ctx context.Context, q AuditQuery) ([]AuditEntry, error)
}

// An AuditEntry says who did what. It never holds a secret.
type AuditEntry struct {
	Seq     uint64    `json:"seq"` // set by the store; rises by at least one with each entry
	Time    time.Time `json:"time"`
	Actor   string    `json:"actor"`              // "serve", or the name of a token
	TokenID string    `json:"token_id,omitempty"` // of the token, since names are not unique; "" for the server
	Action  string    `json:"action"`             // "app.create", "key.add", …
	App     AppID     `json:"sdkappid"`           // the app acted on, set by the store with a change; 0 for none
	Detail  string    `json:"detail,omitempty"`   // what was changed, for a person to read
}

// An AuditQuery asks for a page of the trail.
type AuditQuery struct {
	App    AppID  // only this app's entries; 0 for all
	Before uint64 // only entries with a smaller Seq; 0 starts at the newest
	Limit  int    // 1 to MaxListLimit
}

// An Engine is a whole store: accounts, apps and tokens.
type Engine interface {
	Store
	Apps
	Tokens
}
