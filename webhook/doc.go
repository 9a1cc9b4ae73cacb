// Package webhook receives and builds the webhooks of Tencent Cloud Chat and of Rollcall,
// which sends the same bytes.
//
// A webhook is a POST request to a URL of the app's owner. Its query names the app and the
// command, and its body is a JSON object. Rollcall sends three commands: [StateChange],
// [PortraitSet] and [OverLimit]. The vendor sends many more, of which a receiver gets the
// JSON. All commands of the account service report what has already happened, and the
// content of the response changes nothing.
//
// [Handler] is an http.Handler that verifies, parses and answers. [VerifySign],
// [VerifyStandard] and [Parse] are its parts, for programs that receive requests in another
// way. Two signatures exist:
//
//   - The vendor's covers only the time of the request, with a token that both sides know.
//     Rollcall makes the same one.
//   - That of the specification Standard Webhooks covers the body, its id and the time. Only
//     Rollcall makes it, for apps that ask for it.
//
// No signature covers the query: whoever can change a request can change ClientIP and
// OptPlatform.
//
// A receiver must expect an event twice, because a sender that retries cannot know whether
// an event was handled whose response was lost. It must expect a StateChange to be late, and
// compares EventTime with that of the newest event of the account.
package webhook
