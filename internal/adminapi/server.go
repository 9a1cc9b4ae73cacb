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
	Source      string `json:"source"`      // flag, environment, file, default, or program for a server inside another program
	Place       string `json:"place"`       // flag, variable, or file and line; "" for a default
	Takes       string `json:"takes"`       // description of the values
	Description string `json:"description"` // in one sentence
}
