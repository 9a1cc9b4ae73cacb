package openapi

// An AdminExample is a call of the admin API and its response.
type AdminExample struct {
	ID          string            // of the operation
	Path, Query map[string]string // parameters; Path contains the values of headers, too
	Body        string            // "" for none
	Answer      string            // "" for none
}

// Values in place of those that differ between servers, and of those that earlier examples
// have created.
// ExampleDevice is the ID of the device in the examples. The real one is random.
const ExampleDevice = "4503599627370496"

const (
	exampleToken    = `"id":"0f9a1c2e","name":"deploy","scopes":["write"],"created_at":"2026-05-06T07:08:09.123Z","expires_at":"2036-01-01T00:00:00.000Z"`
	exampleKey      = `{"id":"1","kind":"hmac","created_at":"2026-05-06T07:08:09.123Z","fingerprint":"9f86d081884c7d65"}`
	exampleNew      = `"id":"2","kind":"hmac","created_at":"2026-05-06T07:08:09.123Z","fingerprint":"60303ae22b998861"`
	exampleRetired  = `{` + exampleNew + `,"retired_at":"2036-01-01T00:00:00.000Z"}`
	exampleSettings = `{"quota":1000,"rate_limits":{"kick":50}}`
	exampleApp      = `"sdkappid":1400000002,"name":"shop","edition":"development","disabled":false,"test":true,"created_at":"2026-05-06T07:08:09.123Z"`
	exampleEntry    = `{"seq":7,"time":"2026-05-06T07:08:09.123Z","actor":"context","token_id":"8c1f0b6d","action":"token.create","sdkappid":0,"detail":"0f9a1c2e \"deploy\" [write]"}`
	exampleDevice   = `"id":` + ExampleDevice + `,"platform":"Android","state":"Online","address":"192.0.2.7","login_at":"2026-05-06T07:08:09.123Z"`
	exampleDropped  = `"id":` + ExampleDevice + `,"platform":"Android","state":"PushOnline","address":"192.0.2.7","login_at":"2026-05-06T07:08:09.123Z","lost_at":"2026-05-06T07:08:09.123Z"`
	exampleFault    = `{"id":"1","fault":{"command":"account_import","code":70500,"times":2},"passed":0,"hit":0}`
	exampleStatus   = `{"version":"v0.2.0","started_at":"2026-05-06T07:08:09.123Z","uptime_s":86400,"ready":true,"store":"pebble","apps":1,"accounts":3,"calls_in_flight":0,"memory_bytes":31457280,"disk":{"used_bytes":65536,"free_bytes":21474836480},"goroutines":40,"repository":"/var/backups/rollcall"}`
	exampleCall     = `{"seq":1795853147273001,"request_id":"KLQ7GAA2ZBXM4T5E","time":"2026-05-06T07:08:09.123Z","sdkappid":0,"command":"","identifier":"","peer":"127.0.0.1","status":200,"code":60009,` +
		`"info":"there is no command account_imports; did you mean /v4/im_open_login_svc/account_import?","advice":"Check the path: /v4/SERVICE/COMMAND, in the documented case.","took_us":42,"items":0,"failed":0}`
	exampleImport = `"job":false,"row":3,"imported":2,"created":2,"failed":1,"skipped":0,"rate":0,"actor":"context","created_at":"2026-05-06T07:08:09.123Z","updated_at":"2026-05-06T07:08:09.123Z"`
	exampleOpen   = `"job":false,"row":0,"imported":0,"created":0,"failed":0,"skipped":0,"actor":"context","created_at":"2026-05-06T07:08:09.123Z","updated_at":"2026-05-06T07:08:09.123Z"`
	exampleJob    = `"job":true,"row":0,"imported":0,"created":0,"failed":0,"skipped":0,"rate":0,"actor":"context","created_at":"2026-05-06T07:08:09.123Z","updated_at":"2026-05-06T07:08:09.123Z"`
	exampleEnd    = `,"finished_at":"2026-05-06T07:08:09.123Z"`
	exampleHook   = `"url":"https://example.com/webhook","events":["State.StateChange"],"mode":"reliable","token":true,"secret":true,"import_event":false,"ios_spelling":"iOS","changed_at":"2026-05-06T07:08:09.123Z","state":"active"`
	exampleUser   = `{"userid":"boss","nick":"","face_url":"","internal_id":"2","created_at":"2026-05-06T07:08:09.123Z","updated_at":"2026-05-06T07:08:09.123Z","profile":{}}`
)

// figuresWith returns the example of figures with codes.
func figuresWith(codes string) string {
	counts := `"calls":1,"failed":1,"limited":0,"shadowed":0,"codes":` + codes + `,"created":1,"deleted":0,"mean_us":180,"max_us":240`
	return `{"from":"2026-05-06T06:08:00.000Z","to":"2026-05-06T07:08:09.123Z","step_s":60,"points":[{"time":"2026-05-06T07:08:00.000Z","seconds":9,"accounts":3,` + counts + `}],"total":{` + counts + `}}`
}

// appWith returns the example app with the values that examples change.
func appWith(version, admins, settings, keys string) string {
	return `{` + exampleApp + `,"version":` + version + `,"admins":` + admins + `,"settings":` + settings + `,"keys":[` + keys + `]}`
}

// exampleZoe returns an account with the values that examples change.
func exampleZoe(nick, kicked, profile string) string {
	return `{"userid":"zoe","nick":"` + nick + `","face_url":"","internal_id":"3","created_at":"2026-05-06T07:08:09.123Z","updated_at":"2026-05-06T07:08:09.123Z",` + kicked + `"profile":` + profile + `}`
}

// AdminExamples returns one call of each operation, in an order in which they can
// be made on a new server that keeps its store on disk.
func AdminExamples() []AdminExample {
	app := map[string]string{"sdkappid": "1400000002"}
	user := map[string]string{"sdkappid": "1400000002", "userid": "boss"}
	zoe := map[string]string{"sdkappid": "1400000002", "userid": "zoe"}
	open := map[string]string{"sdkappid": "1400000002", "key": "tuesday"}
	job := map[string]string{"sdkappid": "1400000002", "key": "monday"}
	snap := map[string]string{"sdkappid": "1400000002", "name": "base"}
	const both, one = `["administrator","boss"]`, `["administrator"]`
	return []AdminExample{
		{"about", nil, nil, ``, `{"version":"v0.2.0","store":"pebble","apps":1}`},
		{"createApp", nil, nil, `{"sdkappid":1400000002,"name":"shop","test":true}`, `{"app":` + appWith("1", one, `{}`, exampleKey) + `,"secret":"5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"}`},
		{"listApps", nil, nil, ``, `{"apps":[` + appWith("1", one, `{}`, exampleKey) + `],"next_cursor":""}`},
		{"addAdmin", user, nil, ``, appWith("2", both, `{}`, exampleKey)},
		{"changeApp", app, nil, `{"settings":{"quota":1000,"rate_limits":{"kick":50}}}`, appWith("3", both, exampleSettings, exampleKey)},
		{"readApp", app, nil, ``, appWith("3", both, exampleSettings, exampleKey)},
		{"signUser", app, nil, `{"identifier":"boss","validity_s":3600}`, `{"sdkappid":1400000002,"identifier":"boss","usersig":"eJw…","expires_at":"2026-05-06T08:08:09.000Z"}`},
		{"explainUserSig", app, nil, `{"usersig":"eJw…"}`, `{"admin":false,"steps":[{"name":"base64","status":"wrong","why":"it is not base64: byte 4 is \"\\xe2\""},{"name":"zlib","status":"not_checked","why":"it cannot be read"},{"name":"json","status":"not_checked","why":"it cannot be read"},{"name":"app","status":"not_checked","why":"it cannot be read"},{"name":"user","status":"not_checked","why":"it cannot be read"},{"name":"expiry","status":"not_checked","why":"it cannot be read"},{"name":"signature","status":"not_checked","why":"it cannot be read"},{"name":"kick","status":"not_checked","why":"it cannot be read"}],"code":70003,"info":"The UserSig in use is illegal. Please regenerate UserSig through official API. (FYI: https://cloud.tencent.com/document/product/269/32688 )","advice":"It is not base64: byte 4 is \"\\xe2\". Sign with a UserSig library and send the whole text; ` + "`rollcall sig explain`" + ` shows where it breaks."}`},
		{"makeCall", app, nil, `{"command":"account_check","body":{"CheckItem":[{"UserID":"boss"}]}}`, `{"request_id":"KLQ7GAA2ZBXM4T5F","status":200,"body":"{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\",\"ResultItem\":[{\"UserID\":\"boss\",\"ResultCode\":0,\"ResultInfo\":\"\",\"AccountStatus\":\"Imported\"}]}"}`},
		{"changeClock", app, nil, `{"now":"2026-08-06T00:00:00Z","frozen":true}`, `{"now":"2026-08-06T00:00:00.000Z","offset_ms":7919510877,"frozen":true}`},
		{"readClock", app, nil, ``, `{"now":"2026-08-06T00:00:00.000Z","offset_ms":7919510877,"frozen":true}`},
		{"resetClock", app, nil, ``, `{"now":"2026-05-06T07:08:09.123Z","offset_ms":0,"frozen":false}`},
		{"takeSnapshot", app, nil, `{"name":"base"}`, `{"name":"base","created_at":"2026-05-06T07:08:09.123Z","accounts":2,"bytes":338}`},
		{"resetApp", app, nil, ``, appWith("6", both, exampleSettings, exampleKey)},
		{"listSnapshots", app, nil, ``, `{"snapshots":[{"name":"base","created_at":"2026-05-06T07:08:09.123Z","accounts":2,"bytes":338}]}`},
		{"restoreSnapshot", snap, nil, ``, appWith("7", both, exampleSettings, exampleKey)},
		{"deleteSnapshot", snap, nil, ``, ``},
		{"listAccounts", app, map[string]string{"prefix": "bo"}, ``, `{"accounts":[` + exampleUser + `],"next_cursor":""}`},
		{"exportAccounts", app, map[string]string{"prefix": "bo"}, ``, `{"userid":"boss","nick":"","face_url":""}`},
		{"countAccounts", app, nil, ``, `{"count":2}`},
		{"readAccount", user, nil, ``, exampleUser},
		{"findAccount", app, map[string]string{"userid": "boss"}, ``, exampleUser},
		{"unkickAccount", app, nil, `{"userid":"boss"}`, exampleUser},
		{"loginDevice", app, nil, `{"userid":"boss","platform":"Android","address":"192.0.2.7"}`, `{"device":{` + exampleDevice + `},"again":false,"replaced":[]}`},
		{"setCustomStatus", app, nil, `{"userid":"boss","custom_status":"busy"}`, `{"userid":"boss","state":"Online","custom_status":"busy","devices":[{` + exampleDevice + `}]}`},
		{"readDevices", app, map[string]string{"userid": "boss"}, ``, `{"userid":"boss","state":"Online","custom_status":"busy","devices":[{` + exampleDevice + `}]}`},
		{"reportDevices", app, nil, `{"reports":[{"userid":"boss","platform":"Windows","instance":"gw1/7","vouched_ms":90000},{"userid":"boss","platform":"Windows","instance":"gw1/7","logout":true}]}`, `{"applied":2,"results":[{"userid":"boss"},{"userid":"boss"}]}`},
		{"listDevices", app, nil, ``, `{"accounts":[{"userid":"boss","state":"Online","custom_status":"busy","devices":[{` + exampleDevice + `}]}],"next_cursor":""}`},
		{"changeDevice", app, nil, `{"userid":"boss","device":` + ExampleDevice + `,"action":"drop"}`, `{"userid":"boss","state":"PushOnline","custom_status":"","devices":[{` + exampleDropped + `}]}`},
		{"endDevice", app, nil, `{"userid":"boss","device":` + ExampleDevice + `}`, `{"userid":"boss","state":"Offline","custom_status":"","devices":[]}`},
		{"addAccount", app, nil, `{"userid":"zoe","nick":"Zoe","profile":{"Tag_Profile_IM_Level":7}}`, exampleZoe("Zoe", ``, `{"Tag_Profile_IM_Level":7}`)},
		{"changeAccount", zoe, nil, `{"nick":"Zoe L.","profile":{"Tag_Profile_IM_Level":null,"Tag_Profile_IM_Gender":"Gender_Type_Female"}}`, exampleZoe("Zoe L.", ``, `{"Tag_Profile_IM_Gender":"Gender_Type_Female"}`)},
		{"changeFoundAccount", app, map[string]string{"userid": "zoe"}, `{"profile":{"Tag_Profile_IM_Gender":null}}`, exampleZoe("Zoe L.", ``, `{}`)},
		{"kickAccount", app, nil, `{"userid":"zoe"}`, exampleZoe("Zoe L.", `"kicked_at":"2026-05-06T07:08:09Z",`, `{}`)},
		{"deleteAccounts", app, nil, `{"userids":["zoe","nobody"]}`, `{"deleted":1,"results":[{"userid":"zoe"},{"userid":"nobody","code":"not-found","reason":"the app has no account with that UserID"}]}`},
		{"addKey", app, nil, `{}`, `{"key":{` + exampleNew + `},"secret":"c2c4cd6f1d4d9c1f8b1bd6a5e8f1e6d70f0e3d9c5a4b3c2d1e0f9a8b7c6d5e4f"}`},
		{"retireKey", map[string]string{"sdkappid": "1400000002", "id": "2"}, nil, `{"at":"2036-01-01T00:00:00Z"}`, exampleRetired},
		{"removeAdmin", user, nil, ``, appWith("10", one, exampleSettings, exampleKey+`,`+exampleRetired)},
		{"createToken", nil, nil, `{"name":"deploy","scopes":["write"],"expires_at":"2036-01-01T00:00:00Z"}`, `{"token":{` + exampleToken + `},"secret":"rct_…"}`},
		{"listTokens", nil, nil, ``, `{"tokens":[{` + exampleToken + `}]}`},
		{"listAudit", nil, map[string]string{"limit": "1"}, ``, `{"entries":[` + exampleEntry + `],"next_cursor":"Nw"}`},
		{"deleteToken", map[string]string{"id": "0f9a1c2e"}, nil, ``, ``},
		{"listSettings", nil, nil, ``, `{"settings":[{"key":"data","value":"/var/lib/rollcall","default":"./rollcall-data","source":"file","place":"/etc/rollcall/rollcall.yml:1","takes":"a text","description":"Directory of all data."}]}`},
		{"reseal", nil, nil, ``, `{"resealed":0}`},
		{"backup", nil, nil, `{"dir":"/var/backups/rollcall-monday"}`, `{"dir":"/var/backups/rollcall-monday","accounts":3,"apps":2,"bytes":65536,"took_ms":12}`},
		{"listBackups", nil, nil, ``, `{"repository":"/var/backups/rollcall","backups":[{"id":"20260506T070809Z","created_at":"2026-05-06T07:08:09.000Z","version":"v0.2.0","store":"pebble","accounts":3,"apps":2,"bytes":65536,"new_bytes":4096,"took_ms":12,"digest":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","encrypted":false}]}`},
		{"verifyBackup", nil, nil, `{"dir":"/var/backups/rollcall-monday"}`, `{"dir":"/var/backups/rollcall-monday","sound":true,"accounts":3,"tombstones":0,"apps":2,"tokens":2,"audit_entries":21,"digest":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","took_ms":12}`},
		{"listCalls", nil, map[string]string{"after": "0"}, ``, `{"calls":[` + exampleCall + `],"last":1795853147273001}`},
		{"readCall", map[string]string{"id": "KLQ7GAA2ZBXM4T5E"}, nil, ``, exampleCall},
		{"listAppCalls", app, map[string]string{"command": "multiaccount_import", "code": "70398"}, ``, `{"calls":[],"last":1795853147273001}`},
		{"clearCalls", app, nil, ``, `{"cleared":0}`},
		{"rateReport", app, nil, ``, `{"commands":[],"seconds":[]}`},
		{"readAppFigures", app, map[string]string{"last": "1h"}, ``, figuresWith(`{}`)},
		{"readFigures", nil, map[string]string{"last": "1h"}, ``, figuresWith(`{"60009":1}`)},
		{"readFigureDays", app, nil, ``, `{"zone":"UTC+8","days":[{"date":"2026-05-06","created":3,"deleted":1,"accounts":3,"logins":5,"users":2,"online":2,"webhooks":7,"answered":7}]}`},
		{"readStatus", nil, nil, ``, exampleStatus},
		{"addFault", app, nil, `{"command":"account_import","code":70500,"times":2}`, exampleFault},
		{"listFaults", app, nil, ``, `{"faults":[` + exampleFault + `]}`},
		{"removeFault", map[string]string{"sdkappid": "1400000002", "id": "1"}, nil, ``, ``},
		{"clearFaults", app, nil, ``, `{"cleared":0}`},
		{"streamImport", map[string]string{"sdkappid": "1400000002", "Idempotency-Key": "monday"}, map[string]string{"from": "1"}, "{\"userid\":\"alice\",\"nick\":\"Alice\"}\n{\"userid\":\"bob\"}\n{\"userid\":\"@carol\"}\n", `{"key":"monday","state":"done",` + exampleImport + exampleEnd + `}`},
		{"changeImport", open, nil, `{"rate":1000}`, `{"key":"tuesday","state":"open","rate":1000,` + exampleOpen + `}`},
		{"pauseImport", open, nil, ``, `{"key":"tuesday","state":"paused","rate":1000,` + exampleOpen + `}`},
		{"resumeImport", open, nil, ``, `{"key":"tuesday","state":"open","rate":1000,` + exampleOpen + `}`},
		{"cancelImport", open, nil, ``, `{"key":"tuesday","state":"canceled","rate":1000,` + exampleOpen + exampleEnd + `}`},
		{"listImports", app, nil, ``, `{"imports":[{"key":"monday","state":"done",` + exampleImport + exampleEnd + `}],"next_cursor":""}`},
		{"readImport", job, nil, ``, `{"key":"monday","state":"done",` + exampleImport + exampleEnd + `}`},
		{"listRejected", job, nil, ``, `{"rejected":[{"row":3,"userid":"@carol","code":70402,"reason":"UserIDs that start with @ or #TOA# are reserved; choose another"}]}`},
		{"createImport", app, nil, `{"key":"wednesday","file":"accounts.csv"}`, `{"key":"wednesday","state":"queued","file":"accounts.csv",` + exampleJob + `}`},
		{"uploadImport", map[string]string{"sdkappid": "1400000002", "Idempotency-Key": "thursday"}, map[string]string{"file": "accounts.csv", "map": "name=userid"}, "name,nick\nalice,Alice\n", `{"key":"thursday","state":"queued","file":"accounts.csv",` + exampleJob + `}`},
		{"checkImport", app, map[string]string{"file": "accounts.csv"}, "userid,nick\nalice,Alice\n@bob,Bob\n", `{"rows":2,"accepted":1,"rejected":1,"accounts":1,"duplicates":0,"case_variants":0,"tagged":0,"rejections":[{"what":"UserIDs that start with @ or #TOA# are reserved; choose another","rows":1,"examples":[{"line":3,"userid":"@bob"}]}],"warnings":[],"count":3,"quota":0,"over_quota":0}`},
		{"setWebhook", app, nil, `{"url":"https://example.com/webhook","events":["State.StateChange"],"mode":"reliable","token":"a-token-of-letters-and-digits"}`, `{` + exampleHook + `,"new_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`},
		{"readWebhook", app, nil, ``, `{` + exampleHook + `}`},
		{"verifyWebhook", app, nil, ``, `{"ok":false,"took_ms":12,"reason":"the receiver refused the connection; start it, or correct host and port"}`},
		{"listDeliveries", app, nil, ``, `{"state":"active","waiting":0,"more":false,"attempts":[{"id":"evt_1400000002_000000000000002a_0","command":"Alert.RequestOverLimit","time":"2026-05-06T07:08:09.123Z","attempt":1,"took_ms":12,"reason":"the receiver refused the connection; start it, or correct host and port"}],"dead_letters":[]}`},
		{"replayWebhooks", app, nil, `{}`, `{"replayed":0}`},
		{"unsetWebhook", app, nil, ``, ``},
		{"deleteApp", map[string]string{"sdkappid": "1400000003"}, nil, ``, ``},
	}
}
