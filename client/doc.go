// Package client calls the account API of Tencent Cloud Chat and Live, and
// Rollcall's own admin API. The same code calls the vendor and Rollcall: only
// [Options.BaseURL] differs.
//
// [Client] has one method for each command of the account API. It signs calls with
// the app's key, and uses a UserSig until shortly before it expires. It retries a
// call if that can help:
//
//   - For a code that the documents mark as temporary, and without a usable
//     response, it retries after a random pause whose limit doubles each time.
//   - For a code that says "too frequent", it retries after a longer pause of this
//     kind, because the server counts calls in whole seconds.
//   - For 70001 (expired) and 70052 (kicked), it retries once, without a pause and
//     with a new UserSig.
//
// It does not retry after any other code. Every command is safe to retry after an
// unknown outcome. A second import, check, status query, profile change or creation of
// a robot has no further effect. A second deletion returns [CodeNoAccount], or
// [CodeRobotRefused], for what the first attempt deleted. A second kick also refuses
// UserSigs that were made between the two attempts, and a second mute begins anew.
//
// A failed call returns an [*Error] with the server's code and the remedy, or a
// [*TransportError] without a usable response. An item of a batch that fails is not
// an error of the call: each item has its own [Result].
//
// [AdminClient] has one method for each route of the admin API, which only Rollcall
// has. It returns a [*Problem] or a [*TransportError].
//
// [DialLink] logs in a device over a link, which only Rollcall has: the account is online
// while the link lives.
//
// Clients are safe for concurrent use. No error, log record or printed client
// contains a key, a signature or a token.
package client
