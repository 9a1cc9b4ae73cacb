// Package webhook has the types and checks for receivers of the webhooks of Tencent Cloud
// Chat and of Rollcall, which sends the same bytes.
//
// A webhook is a POST request to a URL of the app's owner. Its query names the app and the
// command, and its body is a JSON object. Rollcall sends three commands: [StateChange],
// [PortraitSet] and [OverLimit]. The vendor sends many more.
//
// All of them report what has already happened. The content of the response changes
// nothing.
package webhook
