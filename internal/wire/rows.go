package wire

const (
	srcErrors  = "protocol.md §1.5"
	srcSig     = "protocol.md §1.6"
	srcProfile = "protocol.md §1.7"
)

// Table holds every documented code of the account service, in the order of
// their numbers.
var Table = []Row{
	{RelationInternal, "relation data could not be cleaned up; repeat the call", false, "Repeat the call.", RetryYes, srcProfile, false},
	{RelationTimeout, "cleaning up relation data timed out; repeat the call", false, "Repeat the call.", RetryYes, srcProfile, false},
	{RelationConflict, "relation data is being written; delete in batches", false, "Delete accounts in batches.", RetryYes, srcProfile, false},

	{ProfileParameter, "Err_Profile_Comm_Decode_Fail", true, "Check the body: it must be a JSON object with the documented fields and types.", RetryNo, srcProfile, true},
	{ProfileNoTarget, "To_Account is missing or empty; name 1 to 100 accounts", false, "Name 1 to 100 accounts in To_Account.", RetryNo, srcProfile, true},
	{ProfileNoAccount, "the account does not exist; import it first", false, "Import the account first.", RetryNo, srcProfile, true},
	{ProfileNotAdmin, "only an app admin may call this; sign as an admin", false, "Set identifier to an admin of the app and sign for it.", RetryNo, srcProfile, true},
	{ProfileSensitive, "the value holds a word that the app does not allow; change it", false, "Change the value, or the app's word list.", RetryNo, srcProfile, true},
	{ProfileInternal, "Err_Profile_PortraitGet_Read_Custom_Data_Fail", true, "Repeat the call; if it goes on failing, look at the server's log and /readyz.", RetryYes, srcProfile, true},
	{ProfileNoRead, "admins may not read this field; leave the tag out", false, "Leave the tag out, or allow reading it in the app's custom tags.", RetryNo, srcProfile, true},
	{ProfileNoWrite, "admins may not write this field; leave the tag out", false, "Leave the tag out, or allow writing it in the app's custom tags.", RetryNo, srcProfile, true},
	{ProfileUnknownTag, "the app has no such tag; check its spelling or declare it", false, "Check the spelling of the tag; declare a custom tag in the app's setting custom_tags.", RetryNo, srcProfile, true},
	{ProfileTooLong, "the value is longer than 500 bytes; shorten it", false, "Shorten the value to 500 bytes of UTF-8.", RetryNo, srcProfile, true},
	{ProfileNotAllowed, "the field does not take this value; use one of the documented ones", false, "Use one of the documented values of the field.", RetryNo, srcProfile, true},
	{ProfileType, "the value has the wrong JSON type for this field", false, "Give text for text fields and an unsigned integer for number fields.", RetryNo, srcProfile, true},

	{HTTPParse, "HTTP parse Error", true, "Send POST with a body of 1 byte to 1 MiB and a well-formed query.", RetryNo, srcErrors, true},
	{BodyNotJSON, "the request body is not the JSON object that was expected; correct it", false, "Send one JSON object in valid UTF-8, no key twice, at most 32 levels deep, and nothing after it.", RetryNo, srcErrors, true},
	{AccountOrSig, "identifier or usersig is missing in the URL; add both", false, "Add identifier and usersig to the URL.", RetryNo, srcErrors, true},
	{AccountOrSigAlias, "the account or signature in the request is wrong", false, "Check identifier and usersig.", RetryNo, srcErrors, false},
	{BadSDKAppID, "sdkappid is not a number from 1 to 4294967295; correct it", false, "Give the SDKAppID as a decimal number.", RetryNo, srcErrors, true},
	{CommandRate, "too many calls of this command in a second; slow down", false, "Lower the rate of this command, or raise the app's limit for it.", RetrySlow, srcErrors, true},
	{ServiceTimeout, "service timeout or request format error,please check and try again", true, "Repeat the call.", RetryYes, srcErrors, false},
	{NoResource, "there is no such service or command; check the URL", false, "Check the path: /v4/SERVICE/COMMAND, in the documented case.", RetryNo, srcErrors, true},
	{GatewayNotAdmin, "only an app admin may call this; sign as an admin", false, "Set identifier to an admin of the app and sign for it.", RetryNo, srcErrors, true},
	{AppRate, "too many calls of this app in a second; slow down", false, "Lower the app's rate, or raise its ceiling.", RetrySlow, srcErrors, true},
	{NoSDKAppID, "sdkappid is missing in the URL; add it", false, "Add sdkappid to the URL.", RetryNo, srcErrors, true},
	{ResponseJSON, "the answer could not be encoded; repeat the call", false, "Repeat the call.", RetryYes, srcErrors, false},
	{ExchangeTimeout, "looking up the account timed out; repeat the call", false, "Repeat the call.", RetryYes, srcErrors, false},
	{AccountType, "an account in the body is not a JSON string; quote it", false, "Send ids as JSON strings.", RetryNo, srcErrors, true},
	{AppDisabled, "the app is disabled; enable it", false, "Enable the app.", RetryNo, srcErrors, true},
	{Forbidden, "the request is forbidden", false, "Ask the operator.", RetryNo, srcErrors, false},
	{TooFrequent, "too many requests; try again later", false, "Lower the rate.", RetrySlow, srcErrors, false},
	{TooFrequentAlias, "too many requests; try again later", false, "Lower the rate.", RetrySlow, srcErrors, false},
	{PlanExpired, "the plan has expired; renew it", false, "Renew the plan.", RetryNo, srcErrors, false},
	{SourceRefused, "the caller's address is not in the app's allow-list; call from an allowed one", false, "Call from an allowed address, or add this one to the app.", RetryNo, srcErrors, true},

	{SigExpired, "The UserSig in use is expired. Please regenerate it, with a validity of at least 24 hours.", true, "Sign anew; give signatures at least 24 hours.", RetrySig, srcSig, true},
	{SigEmpty, "usersig is empty; sign for the identifier and send the result", false, "Sign for the identifier and send the UserSig.", RetryNo, srcSig, true},
	{SigMalformed, "The UserSig in use is illegal. Please regenerate UserSig through official API. (FYI: https://cloud.tencent.com/document/product/269/32688 )", true, "Sign with a UserSig library and send the whole text; `rollcall sig explain` shows where it breaks.", RetryNo, srcSig, true},
	{SigIllegal, "the UserSig is illegal; sign anew", false, "Sign anew.", RetryNo, srcSig, false},
	{SigMismatch, "UserSig verification Failed. The UserSig in use maybe generated by Secret Key from other SDKAppID. Please regenerate UserSig by Secret Key from its own SDKAppID.", true, "Sign with an active key of this SDKAppID; `rollcall sig explain` compares.", RetryNo, srcSig, true},
	{SigOtherUser, "The identifier does not match the Usersig. Sign for the identifier that is in the URL.", true, "Sign for the identifier that is in the URL.", RetryNo, srcSig, true},
	{SigOtherApp, "The requested SDKAppID(N) does not match the Usersig(N). You can run a self-checking with the assistant tool on the console.", true, "Sign for the SDKAppID that is in the URL.", RetryNo, srcSig, true},
	{NoPublicKey, "the app has no key for this UserSig; check the data centre", false, "Check the SDKAppID and its data centre.", RetryNo, srcSig, false},
	{AppNotFound, "there is no app with this SDKAppID here; check the number and the data centre", false, "Check the SDKAppID and that the host belongs to its data centre.", RetryNo, srcSig, true},
	{TooManyBadSigs, "too many UserSigs failed verification; wait a minute", false, "Wait a minute, and correct the signature meanwhile.", RetryNo, srcSig, true},
	{UserBlacklisted, "the UserID is blacklisted", false, "Ask the operator.", RetryNo, srcSig, false},
	{SigKicked, "the UserSig was made before the account was kicked; sign anew", false, "Sign anew.", RetrySig, srcSig, true},
	{NoAccount, "Err_TLS_PT_Open_Login_Account_Not_Exist", true, "Import the account first.", RetryNo, srcSig, true},
	{Restricted, "restricted for security reasons", false, "Ask the operator.", RetryNo, srcSig, false},
	{Timeout, "the server timed out; repeat the call, which is safe", false, "Repeat the call: the outcome is unknown, and repeating is safe.", RetryYes, srcSig, true},
	{TimeoutAlias, "the server timed out; repeat the call", false, "Repeat the call.", RetryYes, srcSig, false},
	{BadItemCount, "illegal number of items", false, "Send 1 to 100 items.", RetryNo, srcSig, false},
	{QuotaExceeded, "Err_TLS_Account_Num_Exceed_Threshold[70398]", true, "Delete accounts, raise the app's quota, or change its edition.", RetryNo, srcSig, true},
	{Tombstoned, "the account was deleted less than three months ago and cannot be imported again yet", false, "Wait until three months after the deletion, or use another UserID.", RetryNo, srcSig, true},
	{BadParameter, "a required field is missing or not as documented; correct the body", false, "Compare the body with the documented fields, types and limits.", RetryNo, srcSig, true},
	{NotAdmin, "only an app admin may call this; sign as an admin", false, "Set identifier to an admin of the app and sign for it.", RetryNo, srcSig, true},
	{Internal, "internal error; repeat the call", false, "Repeat the call; if it goes on failing, look at the server's log and /readyz.", RetryYes, srcSig, true},
	{DeletionRefused, "this app does not allow deletion; turn on its deletion switch first", false, "Turn on the app's deletion switch.", RetryNo, srcSig, true},

	{StatusParse, "Fail to Parse json data of body, Please check it", true, "Send one JSON object with a non-empty To_Account array.", RetryNo, srcProfile, true},
	{StatusIDType, "Invalid format of To_Account", true, "Send To_Account as an array of JSON strings.", RetryNo, srcProfile, true},
	{StatusNotAdmin, "only an app admin may call this; sign as an admin", false, "Set identifier to an admin of the app and sign for it.", RetryNo, srcProfile, true},
	{StatusTooMany, "more than 500 accounts in To_Account; send fewer", false, "Send at most 500 accounts in one call.", RetryNo, srcProfile, true},
	{StatusTimeout, "the server timed out; repeat the call", false, "Repeat the call.", RetryYes, srcProfile, true},
	{StatusInternal, "internal error; repeat the call", false, "Repeat the call; if it goes on failing, look at the server's log and /readyz.", RetryYes, srcProfile, true},
	{StatusInternal2, "internal error; repeat the call", false, "Repeat the call.", RetryYes, srcProfile, false},
	{StatusInternal3, "internal error; repeat the call", false, "Repeat the call.", RetryYes, srcProfile, false},
}
