package wire

// ImportRequest is the body of account_import. UserID is the current name of
// the field. Identifier is its name before 2022, which most clients still send.
type ImportRequest struct {
	UserID     Text
	Identifier Text
	Nick       Text
	FaceUrl    Text
}

// MultiImportRequest is the body of multiaccount_import in either of its forms.
type MultiImportRequest struct {
	AccountList List[Object[ImportItem]] // the newer form
	Accounts    List[Text]               // the older form, with ids only
}

// ImportItem is one account of AccountList.
type ImportItem struct {
	UserID  Text
	Nick    Text
	FaceUrl Text
}

// CheckRequest is the body of account_check.
type CheckRequest struct {
	CheckItem List[Object[IDItem]]
}

// DeleteRequest is the body of account_delete.
type DeleteRequest struct {
	DeleteItem List[Object[IDItem]]
}

// IDItem is an account named in a batch.
type IDItem struct {
	UserID Text
}

// KickRequest is the body of kick.
type KickRequest struct {
	UserID     Text
	Identifier Text
}

// StatusRequest is the body of query_online_status and of querystate.
type StatusRequest struct {
	To_Account           List[Text]
	IsNeedDetail         Flag
	IsReturnInstid       Flag
	IsReturnCustomStatus Flag
}

// PortraitSetRequest is the body of portrait_set.
type PortraitSetRequest struct {
	From_Account Text
	ProfileItem  List[Object[ProfileItem]]
}

// ProfileItem is a tag and its value, as the client sent them.
type ProfileItem struct {
	Tag   Text
	Value Scalar
}

// PortraitGetRequest is the body of portrait_get.
type PortraitGetRequest struct {
	To_Account List[Text]
	TagList    List[Text]
}

// SetMuteRequest is the body of setnospeaking. At least one of the times is
// required.
type SetMuteRequest struct {
	Set_Account            Text
	C2CmsgNospeakingTime   Seconds
	GroupmsgNospeakingTime Seconds
}

// GetMuteRequest is the body of getnospeaking.
type GetMuteRequest struct {
	Get_Account Text
}

// GetAppInfoRequest is the body of getappinfo.
type GetAppInfoRequest struct {
	RequestField List[Text] // names of fields of [AppInfo]
}

// CreateRobotRequest is the body of create_robot.
type CreateRobotRequest struct {
	UserID        Text
	Nick          Text
	FaceUrl       Text
	SelfSignature Text
}

// DeleteRobotRequest is the body of delete_robot.
type DeleteRobotRequest struct {
	Robot_Account Text
}

// GetRobotsRequest is the body of get_all_robots, which has no fields.
type GetRobotsRequest struct{}

// GetIPListRequest is the body of GetIPList, which has no fields.
type GetIPListRequest struct{}
