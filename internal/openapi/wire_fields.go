package openapi

import "rollcall/internal/account"

// Batches of the vendor's commands (protocol.md §3).
const (
	maxBatch  = 100
	maxStatus = 500
)

const (
	userIDText = "An id: 1 to 32 bytes of printable ASCII, not beginning with @ or #TOA#; case matters."
	knownText  = "The id of an account."
	nickText   = "The nickname, at most 500 bytes of UTF-8. Empty or absent leaves what is stored."
	faceText   = "The URL of the picture, at most 500 bytes. Empty or absent leaves what is stored."
	flagText   = "1 asks for it."
)

// alternatives are fields of which one must be there.
var alternatives = map[string][]string{
	"ImportRequest":      {"UserID", "Identifier"},
	"KickRequest":        {"UserID", "Identifier"},
	"MultiImportRequest": {"AccountList", "Accounts"},
}

// wireFields says what the vendor's documents say of fields.
var wireFields = map[string]refinement{
	"ImportRequest.UserID":           {userIDText, account.MaxUserIDBytes, false},
	"ImportRequest.Identifier":       {"The older name of UserID, which wins over it.", account.MaxUserIDBytes, false},
	"ImportRequest.Nick":             {nickText, account.MaxValueBytes, false},
	"ImportRequest.FaceUrl":          {faceText, account.MaxValueBytes, false},
	"MultiImportRequest.AccountList": {"1 to 100 accounts; wins over Accounts.", maxBatch, false},
	"MultiImportRequest.Accounts":    {"1 to 100 ids; the older form.", maxBatch, false},
	"ImportItem.UserID":              {userIDText, 0, true},
	"ImportItem.Nick":                {nickText, 0, false},
	"ImportItem.FaceUrl":             {faceText, 0, false},
	"CheckRequest.CheckItem":         {"1 to 100 ids.", maxBatch, true},
	"DeleteRequest.DeleteItem":       {"1 to 100 ids.", maxBatch, true},
	"IDItem.UserID":                  {knownText, 0, true},
	"KickRequest.UserID":             {knownText, account.MaxUserIDBytes, false},
	"KickRequest.Identifier":         {"The older name of UserID, which wins over it.", account.MaxUserIDBytes, false},

	"StatusRequest.To_Account":           {"1 to 500 ids.", maxStatus, true},
	"StatusRequest.IsNeedDetail":         {"The state of each device. " + flagText, 0, false},
	"StatusRequest.IsReturnInstid":       {"The instance of each device. " + flagText, 0, false},
	"StatusRequest.IsReturnCustomStatus": {"The custom status. " + flagText, 0, false},
	"PortraitSetRequest.From_Account":    {knownText, 0, true},
	"PortraitSetRequest.ProfileItem":     {"The tags to set, all or none.", 0, true},
	"ProfileItem.Tag":                    {"A standard tag, Tag_Profile_IM_…, or a custom one of the app, Tag_Profile_Custom_….", 0, true},
	"ProfileItem.Value":                  {"A text of at most 500 bytes, or a number, as the tag takes it.", 0, true},
	"PortraitGetRequest.To_Account":      {"1 to 100 ids.", maxBatch, true},
	"PortraitGetRequest.TagList":         {"The tags to read; those that are not set are left out of the answer.", 0, true},

	"ImportResponse.ErrorCode":         {"0.", 0, false},
	"MultiImportResponse.FailAccounts": {"The ids that were not imported, in the order of the request; all others were.", 0, false},
	"CheckResponse.ResultItem":         {"One for each id, in the order of the request.", 0, false},
	"CheckResult.AccountStatus":        {"Imported or NotImported.", 0, false},
	"DeleteResponse.ResultItem":        {"One for each id, in the order of the request.", 0, false},
	"DeleteResult.ResultCode":          {"0, or why this id was not deleted: 70107 if there is no such account.", 0, false},
	"OnlineStatusResponse.QueryResult": {"The accounts that exist.", 0, false},
	"OnlineStatusResponse.ErrorList":   {"The ids that do not.", 0, false},
	"QueryStateResponse.QueryResult":   {"The accounts that exist.", 0, false},
	"QueryStateResponse.ErrorList":     {"The ids that do not.", 0, false},
	"OnlineStatus.Status":              {"Online, PushOnline or Offline.", 0, false},
	"State.State":                      {"Online, PushOnline or Offline.", 0, false},
	"PortraitGetResponse.Fail_Account": {"The ids that could not be read; absent if there are none.", 0, false},
	"UserProfile.ProfileItem":          {"The tags that are set; absent for an id that could not be read.", 0, false},
}
