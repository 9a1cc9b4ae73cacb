// Package adminapi declares the bodies of the admin API. The server uses them, and
// package client exports them under its own names.
//
// Their comments become the descriptions in docs/openapi/admin.json. A tag schema names
// the values of a text. Only that document uses it.
package adminapi

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
)

// About describes a server.
type About struct {
	Version string `json:"version"`
	Store   string `json:"store"` // kind of the engine
	Apps    int    `json:"apps"`  // number of apps
}

// An App is an app as the API shows it.
type App struct {
	SDKAppID  uint32           `json:"sdkappid"`
	Name      string           `json:"name"`
	Edition   string           `json:"edition" schema:"edition"`
	Disabled  bool             `json:"disabled"`
	Test      bool             `json:"test"`
	CreatedAt time.Time        `json:"created_at"`
	Version   uint64           `json:"version"` // increases by one with each change; for If-Match
	Admins    []string         `json:"admins" schema:"userid"`
	Settings  account.Settings `json:"settings"`
	Keys      []Key            `json:"keys"`
	ExpiresAt time.Time        `json:"expires_at,omitzero"` // the server removes the throw-away app with its accounts; never if absent
}

// AppPage is one page of apps.
type AppPage struct {
	Apps       []App  `json:"apps"`
	NextCursor string `json:"next_cursor"` // "" on the last page
}

// NewApp is an app to create. Without a secret or a public key, the server creates an
// HMAC key.
type NewApp struct {
	SDKAppID   uint32           `json:"sdkappid"`
	Name       string           `json:"name,omitempty"`                     // for people, at most 200 bytes
	Edition    string           `json:"edition,omitempty" schema:"edition"` // development if absent
	Test       bool             `json:"test,omitzero"`                      // may falsify; only where the server allows test apps
	Admins     []string         `json:"admins,omitempty" schema:"userid"`   // besides administrator
	Settings   account.Settings `json:"settings,omitzero"`                  //
	Secret     string           `json:"secret,omitempty"`                   // HMAC key as text, at most 4096 bytes
	PublicKey  string           `json:"public_key,omitempty"`               // ECDSA public key in PEM, at most 4096 bytes
	TTLSeconds int64            `json:"ttl_s,omitzero"`                     // seconds until the server removes the test app with its accounts: 1 to 31622400; never if absent
}

// CreatedApp is an app that was created.
type CreatedApp struct {
	App    *App   `json:"app"`
	Secret string `json:"secret,omitempty"` // the HMAC key, if the server created it; it is not shown again
}

// AppPatch is a change of an app. Absent fields stay as they are.
type AppPatch struct {
	Name     *string       `json:"name,omitzero"`
	Edition  *string       `json:"edition,omitzero" schema:"edition"`
	Disabled *bool         `json:"disabled,omitzero"`
	Test     *bool         `json:"test,omitzero"`     // false ends its role as a test app and clears the settings that only test apps can have; true is accepted only if it is a test app already
	Settings SettingsPatch `json:"settings,omitzero"` // a merge patch (RFC 7396): null resets a member to its default

	// Version, if it is not 0, is the version that the change was made for. The
	// client sends it as If-Match. If the app has a different version by then, nothing
	// changes and the problem is conflict.
	Version uint64 `json:"-"`
}

// A SettingsPatch is a merge patch of settings by their names in JSON. A nil value
// resets a setting to its default. A patch that was read from JSON contains values of
// type [jsontext.Value].
type SettingsPatch map[string]any

// UnmarshalJSON implements [json.Unmarshaler].
func (p *SettingsPatch) UnmarshalJSON(b []byte) (err error) {
	*p, err = readPatch(b)
	return err
}

// readPatch returns the members of a JSON object as values of type [jsontext.Value].
func readPatch(b []byte) (map[string]any, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, errors.New("null is no patch")
	}
	patch := make(map[string]any, len(members))
	for name, value := range members {
		patch[name] = value
	}
	return patch, nil
}

// A Key describes a key without its secret.
type Key struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind" schema:"kind"`
	CreatedAt   time.Time `json:"created_at"`
	RetiredAt   time.Time `json:"retired_at,omitzero"` // time from which it verifies nothing
	Fingerprint string    `json:"fingerprint"`         // the first 16 hexadecimal digits of the SHA-256 of the secret
}

// NewKey is a key to add. Without a secret or a public key, the server creates an HMAC key.
type NewKey struct {
	Secret    string `json:"secret,omitempty"`     // HMAC key as text, at most 4096 bytes
	PublicKey string `json:"public_key,omitempty"` // ECDSA public key in PEM, at most 4096 bytes
}

// CreatedKey is a key that was added.
type CreatedKey struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret,omitempty"` // the HMAC key, if the server created it; it is not shown again
}

// Retirement is the time at which a key is retired.
type Retirement struct {
	At time.Time `json:"at,omitzero"` // now if absent
}
