package wire

// A Code is an error code of the vendor's protocol. Its row in [Table] contains
// its meaning and its remedy.
type Code int

// Codes of the account service. Each has a row in [Table].
const (
	OK Code = 0

	RobotInternal  Code = 10002
	RobotParameter Code = 10004
	RobotRefused   Code = 10008

	RelationInternal Code = 30006
	RelationTimeout  Code = 30007
	RelationConflict Code = 30008

	ProfileParameter  Code = 40001
	ProfileNoTarget   Code = 40002
	ProfileNoAccount  Code = 40003
	ProfileNotAdmin   Code = 40004
	ProfileSensitive  Code = 40005
	ProfileInternal   Code = 40006
	ProfileNoRead     Code = 40007
	ProfileNoWrite    Code = 40008
	ProfileUnknownTag Code = 40009
	ProfileTooLong    Code = 40601
	ProfileNotAllowed Code = 40605
	ProfileType       Code = 40610

	HTTPParse         Code = 60002
	BodyNotJSON       Code = 60003
	AccountOrSig      Code = 60004
	AccountOrSigAlias Code = 60005
	BadSDKAppID       Code = 60006
	CommandRate       Code = 60007
	ServiceTimeout    Code = 60008
	NoResource        Code = 60009
	GatewayNotAdmin   Code = 60010
	AppRate           Code = 60011
	NoSDKAppID        Code = 60012
	ResponseJSON      Code = 60013
	ExchangeTimeout   Code = 60014
	AccountType       Code = 60015
	AppDisabled       Code = 60016
	Forbidden         Code = 60017
	TooFrequent       Code = 60018
	TooFrequentAlias  Code = 60019
	PlanExpired       Code = 60020
	SourceRefused     Code = 60021

	SigExpired      Code = 70001
	SigEmpty        Code = 70002
	SigMalformed    Code = 70003
	SigIllegal      Code = 70005
	SigMismatch     Code = 70009
	SigOtherUser    Code = 70013
	SigOtherApp     Code = 70014
	NoPublicKey     Code = 70016
	AppNotFound     Code = 70020
	TooManyBadSigs  Code = 70050
	UserBlacklisted Code = 70051
	SigKicked       Code = 70052
	NoAccount       Code = 70107
	Restricted      Code = 70114
	Timeout         Code = 70169
	TimeoutAlias    Code = 70202
	BadItemCount    Code = 70206
	QuotaExceeded   Code = 70398
	Tombstoned      Code = 70399
	BadParameter    Code = 70402
	NotAdmin        Code = 70403
	Internal        Code = 70500
	DeletionRefused Code = 71000

	StatusParse     Code = 90001
	StatusIDType    Code = 90003
	StatusNotAdmin  Code = 90009
	StatusTooMany   Code = 90011
	StatusTimeout   Code = 90992
	StatusInternal  Code = 90994
	StatusInternal2 Code = 90995
	StatusInternal3 Code = 91000

	MuteParse      Code = 130001
	MuteNoTarget   Code = 130004
	MuteBadAccount Code = 130005
	MuteNoTime     Code = 130008
	MuteInternal   Code = 130014
)

// Gateway reports whether c is an error of the vendor's gateway, which refuses
// requests before they reach a command. A response with such a code always has
// the gateway's key order (decisions.md, "Codes and texts").
func (c Code) Gateway() bool { return 60000 <= c && c < 61000 }
