// Package client calls the account API of Tencent Cloud Chat and Live, and
// Rollcall's own admin API. The same code talks to the vendor and to Rollcall:
// only [Options.BaseURL] differs.
//
// [Client] has one method for each command of the account API. It signs with
// the app's key, keeps the UserSig until shortly before it expires, and repeats
// a call where that can help:
//
//   - on a code that the documents mark as passing, and when no usable answer
//     came, after a pause that doubles each time and is drawn at random;
//   - on a code that says "too frequent", after a longer pause of the same
//     kind, since the windows are whole seconds;
//   - on 70001 (expired) and 70052 (kicked), once, at once, with a new UserSig.
//
// No other code is repeated. To repeat a call whose outcome is unknown is safe
// for every command: an import, a check, a status query or a profile change
// repeated does nothing new. Two differ in what they answer or leave: a deletion
// repeated answers [CodeNoAccount] for what the first attempt deleted, and a
// kick repeated also refuses the UserSigs made between the two attempts.
//
// A call that fails returns an [*Error] with the server's code and the remedy,
// or a [*TransportError] when no usable answer came. The items of a batch fail
// one by one: they are a [Result] each, and no error of the call.
//
// [AdminClient] has one method for each row of the admin API, which only
// Rollcall has. It returns a [*Problem] or a [*TransportError].
//
// Clients are safe for concurrent use. No error, log record or printed value
// holds a key, a signature or a token.
package client
