package openapi

import "rollcall/internal/wire"

// A command is a command of the vendor with examples of calls.
type command struct {
	*wire.Command
	examples []call
}

// A call is an example: a body and the response to it.
type call struct {
	name, summary string
	body, answer  string
}

const infoFirstOK = `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`

// commands returns the vendor's commands in an order in which their examples can
// be called.
func commands() []command {
	return []command{
		{wire.CommandNamed("account_import"), importExamples},
		{wire.CommandNamed("multiaccount_import"), multiImportExamples},
		{wire.CommandNamed("account_check"), checkExamples},
		{wire.CommandNamed("query_online_status"), onlineStatusExamples},
		{wire.CommandNamed("querystate"), queryStateExamples},
		{wire.CommandNamed("portrait_set"), portraitSetExamples},
		{wire.CommandNamed("portrait_get"), portraitGetExamples},
		{wire.CommandNamed("setnospeaking"), setMuteExamples},
		{wire.CommandNamed("getnospeaking"), getMuteExamples},
		{wire.CommandNamed("getappinfo"), getAppInfoExamples},
		{wire.CommandNamed("create_robot"), createRobotExamples},
		{wire.CommandNamed("get_all_robots"), getRobotsExamples},
		{wire.CommandNamed("delete_robot"), deleteRobotExamples},
		{wire.CommandNamed("GetIPList"), ipListExamples},
		{wire.CommandNamed("kick"), kickExamples},
		{wire.CommandNamed("account_delete"), deleteExamples},
	}
}

var importExamples = []call{
	{name: "today", summary: "The current form", body: `{"UserID":"test","Nick":"test","FaceUrl":"http://www.qq.com"}`, answer: infoFirstOK},
	{name: "older", summary: "The form before 2022", body: `{"Identifier":"test","Nick":"test","FaceUrl":"http://www.qq.com"}`, answer: infoFirstOK},
	{
		name: "refused", summary: "An id that is reserved", body: `{"UserID":"@test"}`,
		answer: `{"ActionStatus":"FAIL","ErrorInfo":"UserIDs that start with @ or #TOA# are reserved; choose another","ErrorCode":70402}`,
	},
}

var multiImportExamples = []call{
	{
		name: "today", summary: "The current form", body: `{"AccountList":[{"UserID":"UserID_001","Nick":"Nick_001","FaceUrl":"http://www.qq.com"},{"UserID":"UserID_002","Nick":"Nick_002"}]}`,
		answer: `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`,
	},
	{
		name: "older", summary: "The older form, ids alone", body: `{"Accounts":["UserID_001","UserID_002","UserID_003"]}`,
		answer: `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`,
	},
	{
		name: "partly", summary: "An id that fails among others", body: `{"Accounts":["UserID_004","@UserID_005"]}`,
		answer: `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":["@UserID_005"]}`,
	},
}

var checkExamples = []call{
	{
		name: "check", summary: "One known, one unknown", body: `{"CheckItem":[{"UserID":"UserID_001"},{"UserID":"UserID_009"}]}`,
		answer: `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"UserID":"UserID_001","ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"},{"UserID":"UserID_009","ResultCode":0,"ResultInfo":"","AccountStatus":"NotImported"}]}`,
	},
}

var onlineStatusExamples = []call{
	{
		name: "status", summary: "One known, one unknown", body: `{"To_Account":["UserID_001","UserID_009"]}`,
		answer: `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"QueryResult":[{"To_Account":"UserID_001","Status":"Offline"}],"ErrorList":[{"To_Account":"UserID_009","ErrorCode":70107}]}`,
	},
	{
		name: "detail", summary: "With details, which nobody has who is offline", body: `{"IsNeedDetail":1,"To_Account":["UserID_001"]}`,
		answer: `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"QueryResult":[{"To_Account":"UserID_001","Status":"Offline"}],"ErrorList":[]}`,
	},
	{
		name: "unknown", summary: "All unknown", body: `{"To_Account":["UserID_009"]}`,
		answer: `{"ActionStatus":"FAIL","ErrorInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist","ErrorCode":70107,"QueryResult":[],"ErrorList":[{"To_Account":"UserID_009","ErrorCode":70107}]}`,
	},
}

var queryStateExamples = []call{
	{
		name: "status", summary: "One known, one unknown", body: `{"To_Account":["UserID_001","UserID_009"]}`,
		answer: `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"QueryResult":[{"To_Account":"UserID_001","State":"Offline"}],"ErrorList":[{"To_Account":"UserID_009","ErrorCode":70107}]}`,
	},
}

var portraitSetExamples = []call{
	{
		name: "set", summary: "Two tags", body: `{"From_Account":"UserID_001","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"MyNickName"},{"Tag":"Tag_Profile_IM_Level","Value":7}]}`,
		answer: `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ErrorDisplay":""}`,
	},
	{
		name: "refused", summary: "A tag that the app does not have", body: `{"From_Account":"UserID_001","ProfileItem":[{"Tag":"Tag_Profile_Custom_Test","Value":"x"}]}`,
		answer: `{"ActionStatus":"FAIL","ErrorCode":40009,"ErrorInfo":"\"Tag_Profile_Custom_Test\": the app has no such tag; check its spelling or declare it","ErrorDisplay":""}`,
	},
}

var portraitGetExamples = []call{
	{
		name: "get", summary: "One known, one unknown", body: `{"To_Account":["UserID_001","UserID_009"],"TagList":["Tag_Profile_IM_Nick","Tag_Profile_IM_Level","Tag_Profile_IM_SelfSignature"]}`,
		answer: `{"UserProfileItem":[{"To_Account":"UserID_001","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"MyNickName"},{"Tag":"Tag_Profile_IM_Level","Value":7}],"ResultCode":0,"ResultInfo":""},{"To_Account":"@TLS#NOT_FOUND","ResultCode":40003,"ResultInfo":"the account does not exist; import it first"}],"Fail_Account":["UserID_009"],"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ErrorDisplay":""}`,
	},
}

var setMuteExamples = []call{
	{
		name: "mute", summary: "For ever in one-to-one chats", body: `{"Set_Account":"UserID_001","C2CmsgNospeakingTime":4294967295,"GroupmsgNospeakingTime":0}`,
		answer: `{"ErrorCode":0,"ErrorInfo":""}`,
	},
	{
		name: "unknown", summary: "An id that is no account", body: `{"Set_Account":"UserID_009","C2CmsgNospeakingTime":60}`,
		answer: `{"ErrorCode":130005,"ErrorInfo":"the account does not exist; import it first"}`,
	},
}

var getMuteExamples = []call{
	{
		name: "muted", summary: "The seconds that are left", body: `{"Get_Account":"UserID_001"}`,
		answer: `{"ErrorCode":0,"ErrorInfo":"","C2CmsgNospeakingTime":4294967295,"GroupmsgNospeakingTime":0}`,
	},
}

// The first example is that of a day; the response has 30 of them.
var getAppInfoExamples = []call{
	{
		name: "figures", summary: "Two figures; one day of the 30", body: `{"RequestField":["ChainIncrease","RegistUserNumTotal"]}`,
		answer: `{"ErrorCode":0,"ErrorInfo":"OK","Result":[{"ChainIncrease":"0","Date":"20160607","RegistUserNumTotal":"6"}]}`,
	},
}

var createRobotExamples = []call{
	{name: "create", summary: "A robot with a profile", body: `{"UserID":"@RBT#001","Nick":"Robot","FaceUrl":"http://www.qq.com","SelfSignature":"At your service"}`, answer: infoFirstOK},
	{
		name: "refused", summary: "An id that is not that of a robot", body: `{"UserID":"robot"}`,
		answer: `{"ActionStatus":"FAIL","ErrorInfo":"the UserID of a robot starts with @RBT#; add it","ErrorCode":10008}`,
	},
}

var getRobotsExamples = []call{
	{name: "list", summary: "All of them", body: `{}`, answer: `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"Robot_Account":["@RBT#001"]}`},
}

var deleteRobotExamples = []call{
	{name: "delete", summary: "A robot", body: `{"Robot_Account":"@RBT#001"}`, answer: infoFirstOK},
	{
		name: "unknown", summary: "A robot that does not exist", body: `{"Robot_Account":"@RBT#009"}`,
		answer: `{"ActionStatus":"FAIL","ErrorInfo":"the app has no such robot; there is nothing to delete","ErrorCode":10008}`,
	},
}

var ipListExamples = []call{
	{name: "addresses", summary: "The address that the call arrived at", body: `{}`, answer: `{"ActionStatus":"OK","ErrorCode":0,"IPList":["127.0.0.1"]}`},
}

var kickExamples = []call{
	{name: "today", summary: "The current form", body: `{"UserID":"UserID_001"}`, answer: infoFirstOK},
	{name: "older", summary: "The form before 2022", body: `{"Identifier":"UserID_001"}`, answer: infoFirstOK},
	{
		name: "unknown", summary: "An id that is no account", body: `{"UserID":"UserID_009"}`,
		answer: `{"ActionStatus":"FAIL","ErrorInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist","ErrorCode":70107}`,
	},
}

var deleteExamples = []call{
	{
		name: "delete", summary: "One known, one unknown", body: `{"DeleteItem":[{"UserID":"UserID_002"},{"UserID":"UserID_009"}]}`,
		answer: `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"ResultCode":0,"ResultInfo":"","UserID":"UserID_002"},{"ResultCode":70107,"ResultInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist","UserID":"UserID_009"}]}`,
	},
}
