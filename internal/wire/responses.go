package wire

import "github.com/go-json-experiment/json"

// The vendor's key order differs between commands. Each command therefore has its
// own struct, with the fields in the order of the documented sample. A nil slice is
// encoded as [].

// Values of ActionStatus.
const (
	StatusOK   = "OK"
	StatusFail = "FAIL"
)

// Head begins the responses of multiaccount_import, account_check and
// account_delete. It is also the whole response to a request that is refused
// before it reaches a command.
type Head struct {
	ActionStatus string
	ErrorCode    Code
	ErrorInfo    string
}

// HeadInfoFirst begins the responses of account_import, kick and the status
// commands, which have ErrorInfo before ErrorCode.
type HeadInfoFirst struct {
	ActionStatus string
	ErrorInfo    string
	ErrorCode    Code
}

// ProfileHead ends the responses of the profile commands.
type ProfileHead struct {
	ActionStatus string
	ErrorCode    Code
	ErrorInfo    string
	ErrorDisplay string
}

// BareHead begins the responses of setnospeaking, getnospeaking and getappinfo, which have
// no ActionStatus.
type BareHead struct {
	ErrorCode Code
	ErrorInfo string
}

// Heads of success.
var (
	Success          = Head{ActionStatus: StatusOK}
	SuccessInfoFirst = HeadInfoFirst{ActionStatus: StatusOK}
	ProfileSuccess   = ProfileHead{ActionStatus: StatusOK}
)

// A Layout is the key order of a command's error responses.
type Layout uint8

// Layouts.
const (
	CodeFirst     Layout = iota // ActionStatus, ErrorCode, ErrorInfo
	InfoFirst                   // ActionStatus, ErrorInfo, ErrorCode
	ProfileLayout               // like CodeFirst, and ErrorDisplay
	BareLayout                  // ErrorCode, ErrorInfo
)

// Fail returns the response for a failure with code c.
func (l Layout) Fail(c Code, info string) any {
	switch l {
	case InfoFirst:
		return HeadInfoFirst{StatusFail, info, c}
	case ProfileLayout:
		return ProfileHead{StatusFail, c, info, ""}
	case BareLayout:
		return BareHead{c, info}
	}
	return Head{StatusFail, c, info}
}

// ImportResponse is the response of account_import and of kick.
type ImportResponse struct {
	HeadInfoFirst
}

// MultiImportResponse is the response of multiaccount_import.
type MultiImportResponse struct {
	Head
	FailAccounts []string
}

// CheckResponse is the response of account_check.
type CheckResponse struct {
	Head
	ResultItem []CheckResult
}

// CheckResult is the result for one id.
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

// DeleteResponse is the response of account_delete.
type DeleteResponse struct {
	Head
	ResultItem []DeleteResult
}

// DeleteResult is the result for one id.
type DeleteResult struct {
	ResultCode Code
	ResultInfo string
	UserID     string
}

// OnlineStatusResponse is the response of query_online_status.
type OnlineStatusResponse struct {
	HeadInfoFirst
	QueryResult []OnlineStatus
	ErrorList   []StatusError
}

// OnlineStatus is the presence of one account.
type OnlineStatus struct {
	To_Account   string
	Status       string
	State        string         `json:",omitzero"` // same as Status; only if the app wants both
	CustomStatus *string        `json:",omitzero"` // only if the request asks for it
	Detail       []DeviceStatus `json:",omitempty"`
}

// QueryStateResponse is the response of querystate, the older command. Its
// items have the field State instead of Status.
type QueryStateResponse struct {
	HeadInfoFirst
	QueryResult []State
	ErrorList   []StatusError
}

// State is the presence of one account in querystate.
type State struct {
	To_Account   string
	State        string
	Status       string         `json:",omitzero"` // same as State; only if the app wants both
	CustomStatus *string        `json:",omitzero"`
	Detail       []DeviceStatus `json:",omitempty"`
}

// DeviceStatus is the presence of one device.
type DeviceStatus struct {
	Platform string
	Status   string
	Instid   *uint64 `json:",omitzero"` // only if the request asks for it
}

// StatusError names an account whose presence is unknown.
type StatusError struct {
	To_Account string
	ErrorCode  Code
}

// PortraitGetResponse is the response of portrait_get. The data come before the
// head.
type PortraitGetResponse struct {
	UserProfileItem []UserProfile
	Fail_Account    []string `json:",omitempty"`
	ProfileHead
}

// UserProfile is the profile of one account. That of a failed account has no
// ProfileItem.
type UserProfile struct {
	To_Account  string
	ProfileItem *[]TagValue `json:",omitzero"`
	ResultCode  Code
	ResultInfo  string
}

// TagValue is a tag and its value, as Rollcall sends them.
type TagValue struct {
	Tag   string
	Value Scalar
}

// SetMuteResponse is the response of setnospeaking.
type SetMuteResponse struct {
	BareHead
}

// GetMuteResponse is the response of getnospeaking. The times are the seconds that
// are left; 0 means not muted, and 4294967295 for ever.
type GetMuteResponse struct {
	BareHead
	C2CmsgNospeakingTime   uint32
	GroupmsgNospeakingTime uint32
}

// GetAppInfoResponse is the response of getappinfo. Its ErrorInfo is OK.
type GetAppInfoResponse struct {
	BareHead
	Result []AppInfo
}

// AppInfo contains the figures of a day, in the order of the documented sample. All of them
// are texts. Those that a call does not ask for are empty and left out.
type AppInfo struct {
	APNSMsgNum           string `json:",omitzero"`
	ActiveUserNum        string `json:",omitzero"` // accounts that logged in
	AppId                string `json:",omitzero"`
	C2CAPNSMsgNum        string `json:",omitzero"`
	C2CDownMsgNum        string `json:",omitzero"`
	C2CSendMsgUserNum    string `json:",omitzero"`
	C2CUpMsgNum          string `json:",omitzero"`
	CallBackReq          string `json:",omitzero"` // webhooks that were sent
	CallBackRsp          string `json:",omitzero"` // of them, those with a response of success
	ChainDecrease        string `json:",omitzero"`
	ChainIncrease        string `json:",omitzero"`
	Date                 string `json:",omitzero"` // such as 20160607
	DownMsgNum           string `json:",omitzero"`
	GroupAPNSMsgNum      string `json:",omitzero"`
	GroupAllGroupNum     string `json:",omitzero"`
	GroupDestroyGroupNum string `json:",omitzero"`
	GroupDownMsgNum      string `json:",omitzero"`
	GroupJoinGroupTimes  string `json:",omitzero"`
	GroupNewGroupNum     string `json:",omitzero"`
	GroupQuitGroupTimes  string `json:",omitzero"`
	GroupSendMsgGroupNum string `json:",omitzero"`
	GroupSendMsgUserNum  string `json:",omitzero"`
	GroupUpMsgNum        string `json:",omitzero"`
	LoginTimes           string `json:",omitzero"` // logins of devices
	LoginUserNum         string `json:",omitzero"` // accounts that logged in
	MaxOnlineNum         string `json:",omitzero"` // largest number of accounts that were online at once
	RegistUserNumOneDay  string `json:",omitzero"` // accounts that were created
	RegistUserNumTotal   string `json:",omitzero"` // accounts at the end of the day
	SendMsgUserNum       string `json:",omitzero"`
	UpMsgNum             string `json:",omitzero"`
}

// RobotResponse is the response of create_robot and of delete_robot.
type RobotResponse struct {
	HeadInfoFirst
}

// GetRobotsResponse is the response of get_all_robots.
type GetRobotsResponse struct {
	HeadInfoFirst
	Robot_Account []string
}

// GetIPListResponse is the response of GetIPList, which has no ErrorInfo.
type GetIPListResponse struct {
	ActionStatus string
	ErrorCode    Code
	IPList       []string
}

// Encode returns v in the form of the vendor's servers: compact JSON that does
// not escape <, > and &.
func Encode(v any) ([]byte, error) { return json.Marshal(v) }
