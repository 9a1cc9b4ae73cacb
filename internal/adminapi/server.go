package adminapi

// ServerSettings are the settings of a server, in the order of docs/configuration.md.
type ServerSettings struct {
	Settings []ServerSetting `json:"settings"`
}

// A ServerSetting is a setting of a server with its value. It never contains a secret: a
// URL has no password, and secrets are in files.
type ServerSetting struct {
	Key         string `json:"key"`         // as in the file, such as admin_host
	Value       string `json:"value"`       // as text, lists with commas; "" for none
	Default     string `json:"default"`     // as text; "" for none, or for one that depends on other settings
	Source      string `json:"source"`      // flag, environment, file, socket, default, or program for a server inside another program
	Place       string `json:"place"`       // flag, variable, or file and line; "" for a default
	Takes       string `json:"takes"`       // description of the values
	Description string `json:"description"` // in one sentence
}

// BackupToVerify is a backup to check.
type BackupToVerify struct {
	Dir string `json:"dir"` // absolute path on the server
}

// VerifiedBackup is what a check of a backup has found. The numbers are 0 if the backup is
// not sound.
type VerifiedBackup struct {
	Dir          string `json:"dir"`
	Sound        bool   `json:"sound"`           // every file is as it was copied, and every record was read
	Fault        string `json:"fault,omitempty"` // what is wrong and what to do; absent if the backup is sound
	Accounts     int64  `json:"accounts"`        // of all apps
	Tombstones   int64  `json:"tombstones"`      // deleted ids that are remembered
	Apps         int64  `json:"apps"`
	Tokens       int64  `json:"tokens"`
	AuditEntries int64  `json:"audit_entries"`
	Digest       string `json:"digest"` // of all accounts in order: copies with the same accounts have the same one
	TookMS       int64  `json:"took_ms"`
}
