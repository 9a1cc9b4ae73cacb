package openapi

import (
	"rollcall/internal/account"
	"rollcall/internal/wire"
)

const (
	userIDText = "An id: 1 to 32 bytes of printable ASCII, not beginning with @ or #TOA#; case matters."
	knownText  = "The id of an account."
	nickText   = "The nickname, at most 500 bytes of UTF-8. Empty or absent leaves what is stored."
	faceText   = "The URL of the picture, at most 500 bytes. Empty or absent leaves what is stored."
	flagText   = "1 asks for it."
	muteText   = "Seconds; 0 lifts the mute, and 4294967295 is for ever. Absent leaves what is stored."
	robotText  = "The id of a robot: 6 to 32 bytes of printable ASCII, beginning with @RBT#."
	leftText   = "The seconds that are left; 0 for not muted, and 4294967295 for ever."
)

// alternatives contains pairs of fields of which one is required.
var alternatives = map[string][]string{
	"ImportRequest":      {"UserID", "Identifier"},
	"KickRequest":        {"UserID", "Identifier"},
	"MultiImportRequest": {"AccountList", "Accounts"},
	"SetMuteRequest":     {"C2CmsgNospeakingTime", "GroupmsgNospeakingTime"},
}

// wireFields contains the facts about fields in the vendor's documents.
var wireFields = map[string]refinement{
	"ImportRequest.UserID":           {text: userIDText, most: account.MaxUserIDBytes},
	"ImportRequest.Identifier":       {text: "The older name of UserID, which wins over it.", most: account.MaxUserIDBytes},
	"ImportRequest.Nick":             {text: nickText, most: account.MaxValueBytes},
	"ImportRequest.FaceUrl":          {text: faceText, most: account.MaxValueBytes},
	"MultiImportRequest.AccountList": {text: "The accounts; wins over Accounts.", most: wire.MaxBatch},
	"MultiImportRequest.Accounts":    {text: "The ids; the older form.", most: wire.MaxBatch},
	"ImportItem.UserID":              {text: userIDText, required: true},
	"ImportItem.Nick":                {text: nickText},
	"ImportItem.FaceUrl":             {text: faceText},
	"CheckRequest.CheckItem":         {text: "The ids.", most: wire.MaxBatch, required: true},
	"DeleteRequest.DeleteItem":       {text: "The ids.", most: wire.MaxBatch, required: true},
	"IDItem.UserID":                  {text: knownText, required: true},
	"KickRequest.UserID":             {text: knownText, most: account.MaxUserIDBytes},
	"KickRequest.Identifier":         {text: "The older name of UserID, which wins over it.", most: account.MaxUserIDBytes},

	"StatusRequest.To_Account":           {text: "The ids.", most: wire.MaxStatus, required: true},
	"StatusRequest.IsNeedDetail":         {text: "The state of each device. " + flagText},
	"StatusRequest.IsReturnInstid":       {text: "The instance of each device. " + flagText},
	"StatusRequest.IsReturnCustomStatus": {text: "The custom status. " + flagText},
	"PortraitSetRequest.From_Account":    {text: knownText, required: true},
	"PortraitSetRequest.ProfileItem":     {text: "The tags to set, all or none.", required: true},
	"ProfileItem.Tag":                    {text: "A standard tag, Tag_Profile_IM_…, or a custom one of the app, Tag_Profile_Custom_….", required: true},
	"ProfileItem.Value":                  {text: "A text of at most 500 bytes, or a number, as the tag takes it.", required: true},
	"PortraitGetRequest.To_Account":      {text: "The ids.", most: wire.MaxBatch, required: true},
	"PortraitGetRequest.TagList":         {text: "The tags to read; those that are not set are left out of the answer.", required: true},

	"SetMuteRequest.Set_Account":            {text: knownText, most: account.MaxUserIDBytes, required: true},
	"SetMuteRequest.C2CmsgNospeakingTime":   {text: muteText},
	"SetMuteRequest.GroupmsgNospeakingTime": {text: muteText},
	"GetMuteRequest.Get_Account":            {text: knownText, most: account.MaxUserIDBytes, required: true},

	"CreateRobotRequest.UserID":        {text: robotText, most: account.MaxUserIDBytes, required: true},
	"CreateRobotRequest.Nick":          {text: nickText, most: account.MaxValueBytes},
	"CreateRobotRequest.FaceUrl":       {text: faceText, most: account.MaxValueBytes},
	"CreateRobotRequest.SelfSignature": {text: "The signature, at most 500 bytes of UTF-8. Empty or absent leaves what is stored.", most: account.MaxValueBytes},
	"DeleteRobotRequest.Robot_Account": {text: robotText, most: account.MaxUserIDBytes, required: true},
	"GetRobotsResponse.Robot_Account":  {text: "The ids of the robots."},

	"GetIPListResponse.IPList": {text: "Addresses and networks."},

	"GetAppInfoRequest.RequestField": {text: "Names of fields of the figures. Without it, or if it is empty, the response has all of them. Names that are not known are ignored."},
	"GetAppInfoResponse.Result":      {text: "The last 30 days, newest first. The first one is today, as far as it has gone."},
	"AppInfo.ActiveUserNum":          {text: "Different accounts that logged in."},
	"AppInfo.LoginUserNum":           {text: "Different accounts that logged in."},
	"AppInfo.LoginTimes":             {text: "Logins of devices."},
	"AppInfo.MaxOnlineNum":           {text: "The largest number of accounts that were online at once."},
	"AppInfo.RegistUserNumOneDay":    {text: "Accounts that were created."},
	"AppInfo.RegistUserNumTotal":     {text: "Accounts at the end of the day."},
	"AppInfo.CallBackReq":            {text: "Webhooks that were sent, each attempt."},
	"AppInfo.CallBackRsp":            {text: "Webhooks that were answered with success."},
	"AppInfo.Date":                   {text: "The day by the zone of the app, such as 20160607."},

	"GetMuteResponse.C2CmsgNospeakingTime":   {text: leftText},
	"GetMuteResponse.GroupmsgNospeakingTime": {text: leftText},

	"ImportResponse.ErrorCode":         {text: "0."},
	"MultiImportResponse.FailAccounts": {text: "The ids that were not imported, in the order of the request; all others were."},
	"CheckResponse.ResultItem":         {text: "One for each id, in the order of the request."},
	"CheckResult.AccountStatus":        {text: "Imported or NotImported."},
	"DeleteResponse.ResultItem":        {text: "One for each id, in the order of the request."},
	"DeleteResult.ResultCode":          {text: "0, or why this id was not deleted: 70107 if there is no such account."},
	"OnlineStatusResponse.QueryResult": {text: "The accounts that exist."},
	"OnlineStatusResponse.ErrorList":   {text: "The ids that do not."},
	"QueryStateResponse.QueryResult":   {text: "The accounts that exist."},
	"QueryStateResponse.ErrorList":     {text: "The ids that do not."},
	"OnlineStatus.Status":              {text: "Online, PushOnline or Offline."},
	"State.State":                      {text: "Online, PushOnline or Offline."},
	"PortraitGetResponse.Fail_Account": {text: "The ids that could not be read; absent if there are none."},
	"UserProfile.ProfileItem":          {text: "The tags that are set; absent for an id that could not be read."},
}
