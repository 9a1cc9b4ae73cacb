package adminapi

import "time"

// A Token describes a token without its secret.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"` // the actor in the audit trail
	Scopes    []string  `json:"scopes" schema:"scope"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // never if absent
}

// TokenList contains every token.
type TokenList struct {
	Tokens []Token `json:"tokens"`
}

// NewToken is a token to create.
type NewToken struct {
	Name      string    `json:"name"` // the actor in the audit trail; 1 to 64 bytes of printable ASCII
	Scopes    []string  `json:"scopes" schema:"scope"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // never if absent
}

// CreatedToken is a token that was created.
type CreatedToken struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret"` // the text that the bearer sends; it is not shown again
}

// An Entry is one entry of the audit trail.
type Entry struct {
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time"`
	Actor    string    `json:"actor"`              // name of the token, or serve
	TokenID  string    `json:"token_id,omitempty"` // ID of the actor's token, because names are not unique; absent for the server
	Action   string    `json:"action"`             // as key.add
	SDKAppID uint32    `json:"sdkappid"`           // 0 if the entry belongs to no app
	Detail   string    `json:"detail"`             // for a person; never a secret
}

// AuditPage is one page of the audit trail, newest first.
type AuditPage struct {
	Entries    []Entry `json:"entries"`
	NextCursor string  `json:"next_cursor"` // "" means that there are no older entries; otherwise there may be some, even if the page is empty
}

// NewBackup is a backup to create.
type NewBackup struct {
	Dir string `json:"dir"` // absolute path on the server; nothing may exist there yet
}

// Backup is a backup that was created.
type Backup struct {
	Dir      string `json:"dir"`
	Accounts int64  `json:"accounts"` // of all apps, counted when the copy began
	Apps     int64  `json:"apps"`
	Bytes    int64  `json:"bytes"` // of the files in the directory
	TookMS   int64  `json:"took_ms"`
}

// Resealed is the result of sealing secrets again.
type Resealed struct {
	Resealed int `json:"resealed"` // number of secrets that were sealed again with the newest key
}
