package wire

import "slices"

// Prefix is the path under which the vendor's protocol lives.
const Prefix = "/v4/"

// Most items of a call (protocol.md §1.4).
const (
	MaxBatch  = 100 // accounts of an import, a check, a deletion, and of portrait_get
	MaxStatus = 500 // accounts of query_online_status and querystate
)

// A Command is a command of the vendor's that Rollcall serves.
type Command struct {
	Service string // the first part of its path below [Prefix]
	Name    string // the second part; no two commands share one

	Summary string // one sentence: what it does
	More    string // what a caller should know beside; may be empty
	Source  string // the section of protocol.md that documents it

	Rate  int // calls in a second for one app, which may set another limit (protocol.md §1.4)
	Batch int // most items of a call, 0 if a call is about one account

	Request  any // a zero value of what the body is decoded into
	Response any // a zero value of the answer to a call that succeeds

	Layout   Layout // the key order of its own errors
	Explains bool   // Rollcall-Explain asks for the reasons of items that fail
}

// Commands are the commands that Rollcall serves. Everything else that lists them
// reads this table.
var Commands = []Command{
	{
		Service: "im_open_login_svc", Name: "account_import", Source: "§3.1", Summary: "Import an account.",
		More: "An id that exists keeps its account; a nickname or a picture that is given replaces what is stored.",
		Rate: 200, Layout: InfoFirst, Request: ImportRequest{}, Response: ImportResponse{},
	},
	{
		Service: "im_open_login_svc", Name: "multiaccount_import", Source: "§3.2", Summary: "Import many accounts.",
		More: "The call succeeds when its form is right; ids that could not be imported stand in FailAccounts.",
		Rate: 100, Batch: MaxBatch, Explains: true, Request: MultiImportRequest{}, Response: MultiImportResponse{},
	},
	{
		Service: "im_open_login_svc", Name: "account_check", Source: "§3.4", Summary: "Say which ids are accounts.",
		Rate: 100, Batch: MaxBatch, Request: CheckRequest{}, Response: CheckResponse{},
	},
	{
		Service: "im_open_login_svc", Name: "account_delete", Source: "§3.3", Summary: "Delete accounts.",
		More: "They cannot be brought back. Paid editions must allow it first, and then keep ids from being imported again for 90 days.",
		Rate: 100, Batch: MaxBatch, Request: DeleteRequest{}, Response: DeleteResponse{},
	},
	{
		Service: "im_open_login_svc", Name: "kick", Source: "§3.5", Summary: "Invalidate every UserSig that an account has.",
		More: "A UserSig made afterwards is good.",
		Rate: 200, Layout: InfoFirst, Request: KickRequest{}, Response: ImportResponse{},
	},
	{
		Service: "openim", Name: "query_online_status", Source: "§3.6", Summary: "Say who is online.",
		More: "Fails if no id is an account.",
		Rate: 200, Batch: MaxStatus, Layout: InfoFirst, Request: StatusRequest{}, Response: OnlineStatusResponse{},
	},
	{
		Service: "openim", Name: "querystate", Source: "§3.6", Summary: "Say who is online; the older command.",
		More: "As query_online_status, with State for Status.",
		Rate: 200, Batch: MaxStatus, Layout: InfoFirst, Request: StatusRequest{}, Response: QueryStateResponse{},
	},
	{
		Service: "profile", Name: "portrait_set", Source: "§3.8", Summary: "Set tags of a profile.",
		More: "All or none.",
		Rate: 200, Layout: ProfileLayout, Request: PortraitSetRequest{}, Response: ProfileHead{},
	},
	{
		Service: "profile", Name: "portrait_get", Source: "§3.9", Summary: "Read tags of profiles.",
		More: "An id that is no account does not make the call fail.",
		Rate: 200, Batch: MaxBatch, Layout: ProfileLayout, Request: PortraitGetRequest{}, Response: PortraitGetResponse{},
	},
}

// Path returns the path of c.
func (c *Command) Path() string { return Prefix + c.Service + "/" + c.Name }

// CommandNamed returns the command of that name, or nil.
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
