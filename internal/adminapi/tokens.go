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
	Dir string `json:"dir,omitempty"` // absolute path on the server, at which nothing may exist yet; absent for a backup in the server's repository
}

// Backup is a backup that was created.
type Backup struct {
	Dir        string `json:"dir,omitempty"`        // of a copy; absent for a backup in the repository
	Repository string `json:"repository,omitempty"` // place of the repository; absent for a copy
	ID         string `json:"id,omitempty"`         // in the repository
	Accounts   int64  `json:"accounts"`             // of all apps, counted when the copy began
	Apps       int64  `json:"apps"`
	Bytes      int64  `json:"bytes"`              // of the files of the copy
	NewBytes   int64  `json:"new_bytes,omitzero"` // stored for this backup; earlier backups in the repository had stored the rest
	TookMS     int64  `json:"took_ms"`
}

// StoredBackups are the backups in the repository of the server, newest first.
type StoredBackups struct {
	Repository string         `json:"repository"` // place of the repository, without secrets
	Backups    []StoredBackup `json:"backups"`
}

// StoredBackup is a backup in a repository. If Fault is not empty, only the ID is known.
type StoredBackup struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Version   string    `json:"version"` // of the program that made it
	Store     string    `json:"store"`   // kind of the store
	Accounts  int64     `json:"accounts"`
	Apps      int64     `json:"apps"`
	Bytes     int64     `json:"bytes"`     // of all files
	NewBytes  int64     `json:"new_bytes"` // stored for this backup alone
	TookMS    int64     `json:"took_ms"`
	Digest    string    `json:"digest"`          // of all accounts in order
	Encrypted bool      `json:"encrypted"`       // only its ID, its time, its version, its store and its sizes are known then
	Fault     string    `json:"fault,omitempty"` // why its description cannot be used
}

// Resealed is the result of sealing secrets again.
type Resealed struct {
	Resealed int `json:"resealed"` // number of secrets that were sealed again with the newest key
}
