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
	InternalID string    `json:"internal_id"` // decimal text, because some JSON readers lose bits of a 63-bit number
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	KickedAt   time.Time `json:"kicked_at,omitzero"` // in whole seconds; absent if never kicked or if the kick was forgotten

	// The tags that are set, without those of nick and face_url. Values are texts and numbers.
	Profile map[string]json.RawMessage `json:"profile"`
}

// AccountPage is one page of accounts.
type AccountPage struct {
	Accounts   []Account `json:"accounts"`
	NextCursor string    `json:"next_cursor"` // "" on the last page
}

// Count is the number of accounts of an app.
type Count struct {
	Count int64 `json:"count"`
}

// Unkick names an account whose kicks the server shall forget.
type Unkick struct {
	UserID string `json:"userid" schema:"userid"`
}

// NewUserSig is a UserSig to create.
type NewUserSig struct {
	Identifier string `json:"identifier,omitempty" schema:"userid"` // an admin of the app if absent
	ValidityS  int64  `json:"validity_s,omitzero"`                  // seconds from now: 60 to 15552000, a day if absent
}

// UserSig is a UserSig that was created, with the other credentials of a call.
type UserSig struct {
	SDKAppID   uint32    `json:"sdkappid"`
	Identifier string    `json:"identifier" schema:"userid"`
	UserSig    string    `json:"usersig"`
	ExpiresAt  time.Time `json:"expires_at"`
}
