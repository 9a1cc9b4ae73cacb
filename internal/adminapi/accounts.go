package adminapi

import (
	"encoding/json"
	"time"
)

// An Account is an account as the API shows it.
type Account struct {
	UserID     string    `json:"userid" schema:"userid"`
	Nick       string    `json:"nick"`
	FaceURL    string    `json:"face_url"`
	InternalID string    `json:"internal_id"` // decimal; not every JSON reader keeps 63 bits
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	KickedAt   time.Time `json:"kicked_at,omitzero"` // in whole seconds; absent if never, or forgotten

	// The tags that are set, but for Nick and FaceURL: texts and numbers.
	Profile map[string]json.RawMessage `json:"profile"`
}

// AccountPage is one page of accounts.
type AccountPage struct {
	Accounts   []Account `json:"accounts"`
	NextCursor string    `json:"next_cursor"` // "" on the last page
}

// Count is how many accounts an app has.
type Count struct {
	Count int64 `json:"count"`
}

// Unkick names an account whose kicks are forgotten.
type Unkick struct {
	UserID string `json:"userid" schema:"userid"`
}

// NewUserSig says for whom a UserSig is wanted.
type NewUserSig struct {
	Identifier string `json:"identifier,omitempty" schema:"userid"` // an admin of the app if absent
	ValidityS  int64  `json:"validity_s,omitzero"`                  // seconds from now: 60 to 15552000, a day if absent
}

// UserSig is a UserSig that was made, with what goes with it in a call.
type UserSig struct {
	SDKAppID   uint32    `json:"sdkappid"`
	Identifier string    `json:"identifier" schema:"userid"`
	UserSig    string    `json:"usersig"`
	ExpiresAt  time.Time `json:"expires_at"`
}
