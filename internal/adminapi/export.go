package adminapi

import (
	"encoding/json"
	"time"
)

// RowsTrailer is the trailer of an export. It contains the number of its rows.
const RowsTrailer = "Rollcall-Rows"

// NDJSON is the media type of a stream with a JSON value in each line.
const NDJSON = "application/x-ndjson"

// ExportRow is one line of an export: an account, or a deleted id.
type ExportRow struct {
	UserID  string `json:"userid" schema:"userid"`
	Nick    string `json:"nick,omitempty"`     // absent for a deleted id only
	FaceURL string `json:"face_url,omitempty"` // absent for a deleted id only

	// The tags that are set, without those of nick and face_url; absent without any. Values are texts and numbers.
	Profile map[string]json.RawMessage `json:"profile,omitempty"`

	InternalID string    `json:"internal_id,omitempty"` // decimal text; only with details
	CreatedAt  time.Time `json:"created_at,omitzero"`   // only with details
	UpdatedAt  time.Time `json:"updated_at,omitzero"`   // only with details
	KickedAt   time.Time `json:"kicked_at,omitzero"`    // only with details; absent if never kicked or if the kick was forgotten
	DeletedAt  time.Time `json:"deleted_at,omitzero"`   // only of a deleted id, which has no further members besides kicked_at
}
