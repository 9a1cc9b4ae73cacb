package account

import "time"

// An AuditEntry says who did what. It never holds a secret.
type AuditEntry struct {
	Seq     uint64    `json:"seq,omitzero"` // the number of its commit, so it can jump
	Time    time.Time `json:"time"`
	Actor   string    `json:"actor"`              // "serve", or the name of a token
	TokenID string    `json:"token_id,omitempty"` // of the token, since names are not unique; "" for the server
	Action  string    `json:"action"`             // "app.create", "key.add", …
	App     AppID     `json:"sdkappid"`           // the app acted on; 0 for none
	Detail  string    `json:"detail,omitempty"`   // what was changed, for a person to read
}

// An AuditQuery asks for a page of the trail.
type AuditQuery struct {
	App    AppID  // only this app's entries; 0 for all
	Before uint64 // only entries with a smaller Seq; 0 starts at the newest
	Limit  int    // 1 to MaxListLimit
}

// An Engine is a whole store: accounts and records.
type Engine interface {
	Store
	Records
}
