package webhook

// Commands of the account service. They are the values of CallbackCommand in the query and
// in the body.
const (
	CommandStateChange = "State.StateChange"
	CommandPortraitSet = "Profile.CallbackPortraitSet"
	CommandOverLimit   = "Alert.RequestOverLimit"
)

// A Body is the body of a webhook: a [StateChange], a [PortraitSet] or an [OverLimit].
type Body interface {
	// CallbackCommand returns the command that the body belongs to.
	CallbackCommand() string

	// AppendJSON appends the body to b exactly as the vendor sends it: with its order of
	// keys, without white space, and without escapes of &, < and >. Bytes that are not
	// UTF-8 become U+FFFD.
	//
	// json.Marshal returns an equivalent text, but it escapes &, < and >.
	AppendJSON(b []byte) []byte
}

// A StateChange is the body of State.StateChange (protocol-sessions.md §5). It reports that
// a login session began, ended or changed. A login session is that of one device.
//
// It does not contain the resulting status of the account, which may be logged in on other
// devices: call query_online_status for it. Only ClientIP and OptPlatform of the [Query]
// tell the device.
type StateChange struct {
	EventTime    int64 // Unix milliseconds; Rollcall's rise strictly for each account
	Info         StateInfo
	KickedDevice []Device // devices that gave way to the one that logged in; absent if empty
}

// A StateInfo says whose login session changed, and how.
type StateInfo struct {
	Action       Action
	ToAccount    string `json:"To_Account"`
	Reason       Reason
	CustomStatus string // only of CustomStatusChange; empty if the status was cleared
}

// A Device is a device that was logged out because another one logged in.
type Device struct {
	Platform Platform
}

// An Action is what happened to a login session.
type Action string

// Actions of a [StateChange].
const (
	Login              Action = "Login"
	Logout             Action = "Logout"
	Disconnect         Action = "Disconnect"
	CustomStatusChange Action = "CustomStatusChange"
)

// A Reason is the reason of an [Action].
type Reason string

// Reasons of a [StateChange].
const (
	Register        Reason = "Register"        // of Login: a login, or a reconnect by the SDK itself
	Unregister      Reason = "Unregister"      // of Logout
	LinkClose       Reason = "LinkClose"       // of Disconnect: the connection was closed
	TimeOut         Reason = "TimeOut"         // of Disconnect: nothing was heard for 400 seconds
	SetCustomStatus Reason = "SetCustomStatus" // of CustomStatusChange
)

// A Platform is the kind of a device, as webhooks spell it.
type Platform string

// Platforms. The vendor also spells iOS as IOS in OptPlatform. RESTAPI and Unknown occur in
// OptPlatform alone, Linux in KickedDevice alone.
const (
	Android Platform = "Android"
	IOS     Platform = "iOS"
	IPad    Platform = "iPad"
	Mac     Platform = "Mac"
	Windows Platform = "Windows"
	Linux   Platform = "Linux"
	Web     Platform = "Web"
	RESTAPI Platform = "RESTAPI" // a call of the REST API
	Unknown Platform = "Unknown"
)

// A PortraitSet is the body of Profile.CallbackPortraitSet (protocol-sessions.md §6). It
// reports that fields of a profile were set, by a device or by portrait_set.
type PortraitSet struct {
	OperatorAccount string  `json:"Operator_Account"` // who set the fields; the admin for a call of the REST API
	FromAccount     string  `json:"From_Account"`     // whose profile it is
	EventTime       int64   // Unix milliseconds
	ProfileItem     []Field // the fields that were set, and no others
}

// A Field is one tag of a profile with its value, a text or a number. Its fields are those
// of client.Field, so that the two types can be converted.
type Field struct {
	Tag      string
	Text     string
	Number   uint64
	IsNumber bool
}

// An OverLimit is the body of Alert.RequestOverLimit (protocol-sessions.md §7). It reports
// that the calls of a command reach 80 % of its rate limit or more.
type OverLimit struct {
	ServiceName string // such as openim
	Command     string // such as batchsendmsg
	Request     int64  // calls per second
	Limit       int64  // allowed calls per second
}

// CallbackCommand returns [CommandStateChange].
func (StateChange) CallbackCommand() string { return CommandStateChange }

// CallbackCommand returns [CommandPortraitSet].
func (PortraitSet) CallbackCommand() string { return CommandPortraitSet }

// CallbackCommand returns [CommandOverLimit].
func (OverLimit) CallbackCommand() string { return CommandOverLimit }
