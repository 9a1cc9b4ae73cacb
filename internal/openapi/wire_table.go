package openapi

import (
	"reflect"

	"rollcall/internal/wire"
)

// commands returns the vendor's commands in an order in which their examples can
// be called.
func commands() []command {
	const login, openim, profile = "im_open_login_svc", "openim", "profile"
	status := reflect.TypeFor[wire.StatusRequest]()
	return []command{
		{
			login, "account_import", "Import an account.",
			"An id that exists keeps its account; a nickname or a picture that is given replaces what is stored. 200 calls a second.",
			reflect.TypeFor[wire.ImportRequest](), reflect.TypeFor[wire.ImportResponse](), importExamples,
		},
		{
			login, explained, "Import up to 100 accounts.",
			"The call succeeds when its form is right; ids that could not be imported stand in FailAccounts. 100 calls a second.",
			reflect.TypeFor[wire.MultiImportRequest](), reflect.TypeFor[wire.MultiImportResponse](), multiImportExamples,
		},
		{
			login, "account_check", "Say which ids are accounts.", "100 calls a second, 100 ids each.",
			reflect.TypeFor[wire.CheckRequest](), reflect.TypeFor[wire.CheckResponse](), checkExamples,
		},
		{
			openim, "query_online_status", "Say who is online.", "200 calls a second, 500 ids each. Fails if no id is an account.",
			status, reflect.TypeFor[wire.OnlineStatusResponse](), onlineStatusExamples,
		},
		{
			openim, "querystate", "Say who is online; the older command.", "As query_online_status, with State for Status.",
			status, reflect.TypeFor[wire.QueryStateResponse](), queryStateExamples,
		},
		{
			profile, "portrait_set", "Set tags of a profile.", "All or none. 200 calls a second.",
			reflect.TypeFor[wire.PortraitSetRequest](), reflect.TypeFor[wire.ProfileHead](), portraitSetExamples,
		},
		{
			profile, "portrait_get", "Read tags of profiles.", "200 calls a second, 100 ids each. An id that is no account does not make the call fail.",
			reflect.TypeFor[wire.PortraitGetRequest](), reflect.TypeFor[wire.PortraitGetResponse](), portraitGetExamples,
		},
		{
			login, "kick", "Invalidate every UserSig that an account has.", "A UserSig made afterwards is good. 200 calls a second.",
			reflect.TypeFor[wire.KickRequest](), reflect.TypeFor[wire.ImportResponse](), kickExamples,
		},
		{
			login, "account_delete", "Delete up to 100 accounts.",
			"They cannot be brought back. Paid editions must allow it first, and then keep ids from being imported again for 90 days. 100 calls a second.",
			reflect.TypeFor[wire.DeleteRequest](), reflect.TypeFor[wire.DeleteResponse](), deleteExamples,
		},
	}
}

const infoFirstOK = `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`

var importExamples = []call{
	{"today", "The current form", `{"UserID":"test","Nick":"test","FaceUrl":"http://www.qq.com"}`, infoFirstOK},
	{"older", "The form before 2022", `{"Identifier":"test","Nick":"test","FaceUrl":"http://www.qq.com"}`, infoFirstOK},
	{"refused", "An id that is reserved", `{"UserID":"@test"}`, `{"ActionStatus":"FAIL","ErrorInfo":"UserIDs that start with @ or #TOA# are reserved; choose another","ErrorCode":70402}`},
}

var multiImportExamples = []call{
	{
		"today", "The current form",
		`{"AccountList":[{"UserID":"UserID_001","Nick":"Nick_001","FaceUrl":"http://www.qq.com"},{"UserID":"UserID_002","Nick":"Nick_002"}]}`,
		`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`,
	},
	{
		"older", "The older form, ids alone", `{"Accounts":["UserID_001","UserID_002","UserID_003"]}`,
		`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`,
	},
	{
		"partly", "An id that fails among others", `{"Accounts":["UserID_004","@UserID_005"]}`,
		`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":["@UserID_005"]}`,
	},
}

var checkExamples = []call{
	{
		"check", "One known, one unknown", `{"CheckItem":[{"UserID":"UserID_001"},{"UserID":"UserID_009"}]}`,
		`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"UserID":"UserID_001","ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"},{"UserID":"UserID_009","ResultCode":0,"ResultInfo":"","AccountStatus":"NotImported"}]}`,
	},
}

var onlineStatusExamples = []call{
	{
		"status", "One known, one unknown", `{"To_Account":["UserID_001","UserID_009"]}`,
		`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"QueryResult":[{"To_Account":"UserID_001","Status":"Offline"}],"ErrorList":[{"To_Account":"UserID_009","ErrorCode":70107}]}`,
	},
	{
		"detail", "With details, which nobody has who is offline", `{"IsNeedDetail":1,"To_Account":["UserID_001"]}`,
		`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"QueryResult":[{"To_Account":"UserID_001","Status":"Offline"}],"ErrorList":[]}`,
	},
	{"unknown", "All unknown", `{"To_Account":["UserID_009"]}`, `{"ActionStatus":"FAIL","ErrorInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist","ErrorCode":70107,"QueryResult":[],"ErrorList":[{"To_Account":"UserID_009","ErrorCode":70107}]}`},
}

var queryStateExamples = []call{
	{
		"status", "One known, one unknown", `{"To_Account":["UserID_001","UserID_009"]}`,
		`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"QueryResult":[{"To_Account":"UserID_001","State":"Offline"}],"ErrorList":[{"To_Account":"UserID_009","ErrorCode":70107}]}`,
	},
}

var portraitSetExamples = []call{
	{
		"set", "Two tags", `{"From_Account":"UserID_001","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"MyNickName"},{"Tag":"Tag_Profile_IM_Level","Value":7}]}`,
		`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ErrorDisplay":""}`,
	},
	{"refused", "A tag that the app does not have", `{"From_Account":"UserID_001","ProfileItem":[{"Tag":"Tag_Profile_Custom_Test","Value":"x"}]}`, `{"ActionStatus":"FAIL","ErrorCode":40009,"ErrorInfo":"\"Tag_Profile_Custom_Test\": the app has no such tag; check its spelling or declare it","ErrorDisplay":""}`},
}

var portraitGetExamples = []call{
	{
		"get", "One known, one unknown", `{"To_Account":["UserID_001","UserID_009"],"TagList":["Tag_Profile_IM_Nick","Tag_Profile_IM_Level","Tag_Profile_IM_SelfSignature"]}`,
		`{"UserProfileItem":[{"To_Account":"UserID_001","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"MyNickName"},{"Tag":"Tag_Profile_IM_Level","Value":7}],"ResultCode":0,"ResultInfo":""},{"To_Account":"@TLS#NOT_FOUND","ResultCode":40003,"ResultInfo":"the account does not exist; import it first"}],"Fail_Account":["UserID_009"],"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ErrorDisplay":""}`,
	},
}

var kickExamples = []call{
	{"today", "The current form", `{"UserID":"UserID_001"}`, infoFirstOK},
	{"older", "The form before 2022", `{"Identifier":"UserID_001"}`, infoFirstOK},
	{"unknown", "An id that is no account", `{"UserID":"UserID_009"}`, `{"ActionStatus":"FAIL","ErrorInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist","ErrorCode":70107}`},
}

var deleteExamples = []call{
	{
		"delete", "One known, one unknown", `{"DeleteItem":[{"UserID":"UserID_002"},{"UserID":"UserID_009"}]}`,
		`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"ResultCode":0,"ResultInfo":"","UserID":"UserID_002"},{"ResultCode":70107,"ResultInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist","UserID":"UserID_009"}]}`,
	},
}
