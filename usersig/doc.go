// Package usersig makes, reads, judges and explains UserSigs, the signed texts
// that Tencent Cloud Chat and Live take as proof of who calls.
//
// A UserSig names an app (SDKAppID), a user (identifier), the second it was
// issued and how many seconds it is valid. Two kinds are in use, told apart by
// their fields:
//
//   - version 2, signed with HMAC-SHA256 and the app's secret key;
//   - version 1, signed with ECDSA and SHA-256: the app server holds the
//     private key, the verifier the public one. Apps made before August 2019
//     may still use it.
//
// Both are JSON, compressed with zlib, in a base64 whose "+/=" are written
// "*-_". The vendor's libraries differ in key order, white space, escaping and
// compression, so two good UserSigs for the same claims need not be equal as
// texts. [Parse] accepts what any of them makes, and nothing may follow from
// comparing texts.
//
// [Sign] makes a UserSig from [Claims] and a [Key]; [RoomPermit] makes the
// userbuf that turns one into a PrivateMapKey. [Verify] judges a text in a
// fixed order and answers the first fault as an [*Error]:
//
//	readable · same app · same user · not expired · signed by one of the keys
//
// For version 1 the signature comes before the time, as in the vendor's own
// verifiers.
//
// Where a signature need not be checked, [Parse] and [Sig.Check] do the rest.
// [Explain] goes through the same steps for a person who wonders why a UserSig
// is refused. It does not stop at the first fault, tries usual mistakes and warns
// of odd times.
//
// Everything here is safe for concurrent use. No error and no explanation
// contains a key or a signature.
package usersig
