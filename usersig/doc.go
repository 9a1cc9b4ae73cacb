// Package usersig creates, parses, verifies and explains UserSigs, the signed
// texts that authenticate callers of Tencent Cloud Chat and Live.
//
// A UserSig contains an app (SDKAppID), a user (identifier), the second at
// which it was issued and the number of seconds for which it is valid. Two
// versions are in use. They differ in their fields:
//   - Version 2 is signed with HMAC-SHA256 and the app's secret key.
//   - Version 1 is signed with ECDSA and SHA-256. The app server has the
//     private key and the verifier has the public key. Apps created before
//     August 2019 may still use it.
//
// Both are JSON that is compressed with zlib and encoded in a base64 whose
// "+/=" are written "*-_". The vendor's libraries differ in key order, white
// space, escaping and compression. Two valid UserSigs with the same claims can
// therefore be different texts. [Parse] accepts the output of each library. Do
// not compare UserSigs as texts.
//
// [Sign] creates a UserSig from [Claims] and a [Key]. [RoomPermit] creates the
// userbuf that turns a UserSig into a PrivateMapKey. [Verify] checks a text in
// a fixed order and returns the first fault as an [*Error]:
//
//	readable · same app · same user · not expired · signed by one of the keys
//
// For version 1 the signature is checked before the time, as in the vendor's
// own verifiers.
//
// If the signature need not be checked, use [Parse] and [Sig.Check] instead.
// [Explain] makes the same checks for a person who wants to know why a UserSig
// is refused. It does not stop at the first fault. It also tries common
// mistakes and warns of implausible times.
//
// Everything in this package is safe for concurrent use. No error and no
// explanation contains a key or a signature.
package usersig
