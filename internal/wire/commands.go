package wire

import "slices"

// Prefix is the path prefix of the vendor's protocol.
const Prefix = "/v4/"

// Maximum numbers of items of a call (protocol.md §1.4).
const (
	MaxBatch  = 100 // accounts of an import, a check, a deletion, and of portrait_get
	MaxStatus = 500 // accounts of query_online_status and querystate
)

// A Command is a command of the vendor that Rollcall serves.
type Command struct {
	Service string // the first segment of its path below [Prefix]
	Name    string // the second segment; unique among all commands

	Summary string // one sentence: what it does
	More    string // what else a caller should know; may be empty
	Source  string // its section in protocol.md, or after an S in protocol-sessions.md

	Rate  int // calls per second of one app, unless the app sets another limit (protocol.md §1.4)
	Batch int // maximum number of items of a call; 0 if a call is about one account

	Request  any // zero value of the type of the request body
	Response any // zero value of the type of a successful response

	Layout   Layout // the key order of its error responses
	Explains bool   // whether the header Rollcall-Explain requests the reasons of failed items
}

// Commands are the commands that Rollcall serves. This table is the only list
// of them.
var Commands = []Command{
	{
		Service: "im_open_login_svc", Name: "account_import", Source: "§3.1", Summary: "Import an account.",
		More: "An existing account is kept; a nickname or a picture in the request replaces the stored one.",
		Rate: 200, Layout: InfoFirst, Request: ImportRequest{}, Response: ImportResponse{},
	},
	{
		Service: "im_open_login_svc", Name: "multiaccount_import", Source: "§3.2", Summary: "Import many accounts.",
		More: "The call succeeds if its form is right; FailAccounts lists the ids that could not be imported.",
		Rate: 100, Batch: MaxBatch, Explains: true, Request: MultiImportRequest{}, Response: MultiImportResponse{},
	},
	{
		Service: "im_open_login_svc", Name: "account_check", Source: "§3.4", Summary: "Check which ids are accounts.",
		Rate: 100, Batch: MaxBatch, Request: CheckRequest{}, Response: CheckResponse{},
	},
	{
		Service: "im_open_login_svc", Name: "account_delete", Source: "§3.3", Summary: "Delete accounts.",
		More: "Deleted accounts cannot be restored. Apps of paid editions must allow deletion first; their deleted ids cannot be imported again for 90 days.",
		Rate: 100, Batch: MaxBatch, Request: DeleteRequest{}, Response: DeleteResponse{},
	},
	{
		Service: "im_open_login_svc", Name: "kick", Source: "§3.5", Summary: "Invalidate every UserSig that an account has.",
		More: "A UserSig that is signed afterwards is valid.",
		Rate: 200, Layout: InfoFirst, Request: KickRequest{}, Response: ImportResponse{},
	},
	{
		Service: "openim", Name: "query_online_status", Source: "§3.6", Summary: "Query who is online.",
		More: "Fails if no id is an account.",
		Rate: 200, Batch: MaxStatus, Layout: InfoFirst, Request: StatusRequest{}, Response: OnlineStatusResponse{},
	},
	{
		Service: "openim", Name: "querystate", Source: "§3.6", Summary: "Query who is online; the older command.",
		More: "Like query_online_status, but the field is State instead of Status.",
		Rate: 200, Batch: MaxStatus, Layout: InfoFirst, Request: StatusRequest{}, Response: QueryStateResponse{},
	},
	{
		Service: "profile", Name: "portrait_set", Source: "§3.8", Summary: "Set tags of a profile.",
		More: "Either all tags are set or none.",
		Rate: 200, Layout: ProfileLayout, Request: PortraitSetRequest{}, Response: ProfileHead{},
	},
	{
		Service: "profile", Name: "portrait_get", Source: "§3.9", Summary: "Read tags of profiles.",
		More: "The call succeeds even if an id is not an account.",
		Rate: 200, Batch: MaxBatch, Layout: ProfileLayout, Request: PortraitGetRequest{}, Response: PortraitGetResponse{},
	},
	{
		Service: "openconfigsvr", Name: "setnospeaking", Source: "S§9.1", Summary: "Mute an account.",
		More: "A time of 0 lifts the mute. Rollcall keeps the times for programs that ask for them; it carries no messages.",
		Rate: 200, Layout: BareLayout, Request: SetMuteRequest{}, Response: SetMuteResponse{},
	},
	{
		Service: "openconfigsvr", Name: "getnospeaking", Source: "S§9.1", Summary: "Query for how long an account is muted.",
		More: "0 means not muted, and 4294967295 for ever.",
		Rate: 200, Layout: BareLayout, Request: GetMuteRequest{}, Response: GetMuteResponse{},
	},
	{
		Service: "openconfigsvr", Name: "getappinfo", Source: "S§9.2", Summary: "Read the figures of the last 30 days.",
		More: "The first day is today. Fields of messages, groups and friends are 0, because Rollcall has none.",
		Rate: 200, Layout: BareLayout, Request: GetAppInfoRequest{}, Response: GetAppInfoResponse{},
	},
	{
		Service: "openim_robot_http_svc", Name: "create_robot", Source: "S§9.4", Summary: "Create a robot.",
		More: "A robot that exists is kept; a text in the request replaces the stored one. An app has at most 20 robots, which do not count for its quota.",
		Rate: 200, Layout: InfoFirst, Request: CreateRobotRequest{}, Response: RobotResponse{},
	},
	{
		Service: "openim_robot_http_svc", Name: "delete_robot", Source: "S§9.4", Summary: "Delete a robot.",
		More: "create_robot creates it again, with an empty profile.",
		Rate: 200, Layout: InfoFirst, Request: DeleteRobotRequest{}, Response: RobotResponse{},
	},
	{
		Service: "openim_robot_http_svc", Name: "get_all_robots", Source: "S§9.4", Summary: "List the robots.",
		Rate: 200, Layout: InfoFirst, Request: GetRobotsRequest{}, Response: GetRobotsResponse{},
	},
	{
		Service: "ConfigSvc", Name: "GetIPList", Source: "S§9.3", Summary: "List the addresses of the service.",
		More: "The addresses are those of the app's setting ip_list, or the one that the call arrived at.",
		Rate: 200, Request: GetIPListRequest{}, Response: GetIPListResponse{},
	},
}

// Path returns the path of c.
func (c *Command) Path() string { return Prefix + c.Service + "/" + c.Name }

// CommandNamed returns the command with that name, or nil.
func CommandNamed(name string) *Command {
	i := slices.IndexFunc(Commands, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &Commands[i]
}

// CommandNames returns the names of all commands.
func CommandNames() []string {
	names := make([]string, len(Commands))
	for i := range Commands {
		names[i] = Commands[i].Name
	}
	return names
}
