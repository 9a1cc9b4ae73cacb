package account

import "time"

// An AuditEntry records one action of the admin API or of the server. It never contains
// a secret.
type AuditEntry struct {
	Seq     uint64    `json:"seq,omitzero"` // number of the commit that wrote it; numbers can be skipped
	Time    time.Time `json:"time"`
	Actor   string    `json:"actor"`              // "serve", or the name of a token
	TokenID string    `json:"token_id,omitempty"` // ID of the token, because names are not unique; "" for the server
	Action  string    `json:"action"`             // "app.create", "key.add", …
	App     AppID     `json:"sdkappid"`           // the app that was changed; 0 for none
	Detail  string    `json:"detail,omitempty"`   // the change, as text for people
}

// An AuditQuery selects a page of the audit trail.
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
