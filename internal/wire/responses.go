package wire

import "github.com/go-json-experiment/json"

// The vendor's key order differs from command to command, so each command has
// its own struct with its fields in the order of its documented sample. Slices
// encode as [] when they are nil.

// Values of ActionStatus.
const (
	StatusOK   = "OK"
	StatusFail = "FAIL"
)

// Head begins the answers of multiaccount_import, account_check and
// account_delete, and is the whole of the gate's.
type Head struct {
	ActionStatus string
	ErrorCode    Code
	ErrorInfo    string
}

// HeadInfoFirst begins the answers of account_import, kick and the status
// commands, which have ErrorInfo before ErrorCode.
type HeadInfoFirst struct {
	ActionStatus string
	ErrorInfo    string
	ErrorCode    Code
}

// ProfileHead ends the answers of the profile commands.
type ProfileHead struct {
	ActionStatus string
	ErrorCode    Code
	ErrorInfo    string
	ErrorDisplay string
}

// Heads of success.
var (
	Success          = Head{ActionStatus: StatusOK}
	SuccessInfoFirst = HeadInfoFirst{ActionStatus: StatusOK}
	ProfileSuccess   = ProfileHead{ActionStatus: StatusOK}
)

// A Layout is the key order of a command's own errors.
type Layout uint8

// Layouts.
const (
	CodeFirst     Layout = iota // ActionStatus, ErrorCode, ErrorInfo
	InfoFirst                   // ActionStatus, ErrorInfo, ErrorCode
	ProfileLayout               // as CodeFirst, and ErrorDisplay
)

// Fail returns the answer for a failure with code c.
func (l Layout) Fail(c Code, info string) any {
	switch l {
	case InfoFirst:
		return HeadInfoFirst{StatusFail, info, c}
	case ProfileLayout:
		return ProfileHead{StatusFail, c, info, ""}
	}
	return Head{StatusFail, c, info}
}

// ImportResponse answers account_import, and in the same shape kick.
type ImportResponse struct {
	HeadInfoFirst
}

// MultiImportResponse answers multiaccount_import.
type MultiImportResponse struct {
	Head
	FailAccounts []string
}

// CheckResponse answers account_check.
type CheckResponse struct {
	Head
	ResultItem []CheckResult
}

// CheckResult is the answer for one id.
type CheckResult struct {
	UserID        string
	ResultCode    Code
	ResultInfo    string
	AccountStatus string
}

// Values of AccountStatus.
const (
	Imported    = "Imported"
	NotImported = "NotImported"
)

// DeleteResponse answers account_delete.
type DeleteResponse struct {
	Head
	ResultItem []DeleteResult
}

// DeleteResult is the answer for one id.
type DeleteResult struct {
	ResultCode Code
	ResultInfo string
	UserID     string
}

// OnlineStatusResponse answers query_online_status.
type OnlineStatusResponse struct {
	HeadInfoFirst
	QueryResult []OnlineStatus
	ErrorList   []StatusError
}

// OnlineStatus is the presence of one account.
type OnlineStatus struct {
	To_Account   string
	Status       string
	State        string         `json:",omitzero"` // Status once more, where the app wants both
	CustomStatus *string        `json:",omitzero"` // only when asked for
	Detail       []DeviceStatus `json:",omitempty"`
}

// QueryStateResponse answers querystate, the older command, whose items say
// State for Status.
type QueryStateResponse struct {
	HeadInfoFirst
	QueryResult []State
	ErrorList   []StatusError
}

// State is the presence of one account in querystate.
type State struct {
	To_Account   string
	State        string
	Status       string         `json:",omitzero"` // State once more, where the app wants both
	CustomStatus *string        `json:",omitzero"`
	Detail       []DeviceStatus `json:",omitempty"`
}

// DeviceStatus is the presence of one device.
type DeviceStatus struct {
	Platform string
	Status   string
	Instid   *uint64 `json:",omitzero"` // only when asked for
}

// StatusError names an account whose presence cannot be told.
type StatusError struct {
	To_Account string
	ErrorCode  Code
}

// PortraitGetResponse answers portrait_get; the data stand first.
type PortraitGetResponse struct {
	UserProfileItem []UserProfile
	Fail_Account    []string `json:",omitempty"`
	ProfileHead
}

// UserProfile is the profile of one account. A failed one has no ProfileItem.
type UserProfile struct {
	To_Account  string
	ProfileItem *[]TagValue `json:",omitzero"`
	ResultCode  Code
	ResultInfo  string
}

// TagValue is one tag and its value, as answered.
type TagValue struct {
	Tag   string
	Value Scalar
}

// Encode returns v as the vendor's servers write it: compact, without escaping
// of <, > and &.
func Encode(v any) ([]byte, error) { return json.Marshal(v) }
