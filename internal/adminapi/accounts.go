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

// NewAccount is an account to create.
type NewAccount struct {
	UserID  string        `json:"userid" schema:"userid"`
	Nick    string        `json:"nick,omitempty"`     // at most 500 bytes
	FaceURL string        `json:"face_url,omitempty"` // at most 500 bytes
	Profile ProfileValues `json:"profile,omitempty"`  // further tags
}

// AccountPatch is a change of an account. Absent members stay as they are.
type AccountPatch struct {
	Nick    *string       `json:"nick,omitzero"`     // at most 500 bytes; an empty text clears it
	FaceURL *string       `json:"face_url,omitzero"` // at most 500 bytes; an empty text clears it
	Profile ProfileValues `json:"profile,omitempty"` // further tags; null clears one
}

// ProfileValues are values of tags by their names: texts, whole numbers from 0 up, and nil
// to clear a tag. ProfileValues that were read from JSON contain values of type
// [jsontext.Value].
type ProfileValues map[string]any

// UnmarshalJSON implements [json.Unmarshaler].
func (p *ProfileValues) UnmarshalJSON(b []byte) (err error) {
	*p, err = readPatch(b)
	return err
}

// Kick names an account whose UserSigs the server shall refuse if they were signed before
// now.
type Kick struct {
	UserID string `json:"userid" schema:"userid"`
}

// AccountDeletion names accounts to delete.
type AccountDeletion struct {
	UserIDs []string `json:"userids" schema:"userid"` // 1 to 100
}

// DeletedAccounts is the outcome of a deletion.
type DeletedAccounts struct {
	Deleted int             `json:"deleted"` // number of accounts that were deleted
	Results []AccountResult `json:"results"` // one for each id, in their order
}

// An AccountResult is the outcome for one account.
type AccountResult struct {
	UserID string `json:"userid"`
	Code   string `json:"code,omitempty"`   // that of a problem; absent if the account was deleted
	Reason string `json:"reason,omitempty"` // what is wrong and what to do, in one sentence
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

// SigToExplain is a UserSig to explain.
type SigToExplain struct {
	UserSig    string `json:"usersig"`
	Identifier string `json:"identifier,omitempty"` // the identifier of the call; that of the UserSig if absent
}

// ExplainedSig says step by step what is right and wrong with a UserSig, and what the server
// answers to a call with it.
type ExplainedSig struct {
	Version    int       `json:"version,omitzero"`    // 2 for HMAC-SHA256, 1 for ECDSA; absent, as what follows, if the UserSig cannot be read
	SDKAppID   uint32    `json:"sdkappid,omitzero"`   // that of the UserSig
	Identifier string    `json:"identifier,omitzero"` // that of the UserSig
	IssuedAt   time.Time `json:"issued_at,omitzero"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	KeyID      string    `json:"key_id,omitzero"` // key of the app that signed it, active or not; absent if none did
	Admin      bool      `json:"admin"`           // the identifier is an admin of the app; the account API serves nobody else

	Steps []SigStep `json:"steps"` // the checks, in the order in which the server makes them

	Code   int    `json:"code"`             // ErrorCode of the answer; 0 if the UserSig is accepted
	Info   string `json:"info,omitempty"`   // ErrorInfo of the answer
	Advice string `json:"advice,omitempty"` // what to do
}

// A SigStep is one check of a UserSig.
type SigStep struct {
	Name    string `json:"name"`              // base64, zlib, json, app, user, expiry, signature or kick
	Status  string `json:"status"`            // ok, wrong or not_checked
	Why     string `json:"why"`               // in one clause
	Warning string `json:"warning,omitempty"` // what looks wrong, whatever the status
}
