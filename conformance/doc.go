// Package conformance compares Rollcall with the vendor's protocol. It contains only
// tests:
//
//   - testdata/*.txt are transcripts. A transcript contains requests and their exact
//     responses. Every example of the vendor's documents is among them.
//   - Every line of docs/divergences.md has a test with its number.
//   - docs/compatibility.md is generated from testdata/catalogue.tsv and from the
//     transcripts.
//   - npm/ runs published clients, unmodified, against a server over TLS.
//   - The transcripts and a published client are recorded and replayed (see package
//     recording). A replay against the same settings shows no difference.
//   - Every example of the OpenAPI documents is sent as a request. openapi/ validates
//     the documents and uses the page Try it in a browser.
//   - docs/errors.md is generated from the table of codes and the catalogue.
//
// # Transcripts
//
// A file begins with comments (#) and settings of its server. Its steps follow:
//
//	# Subject of the transcript.
//	covers: account_import=70402 account_import>UserID   (written by -update)
//	app: {"edition":"trial","settings":{"quota":3}}      (any number; sdkappid 1400000000 if not given)
//	accounts: alice bob                                  (exist from the start)
//	device: alice iPhone push 7                          (or online; the number is the instance)
//	status: alice busy                                   (custom status; a device must be online)
//	clock: 2023-11-14T22:13:20Z                          (the default)
//	fault: internal                                      (or unavailable: the store fails)
//
//	== name of the step
//	sleep: 1s                                            (before the request)
//	from: 203.0.113.7                                    (the caller's address)
//	host: console.tim.qq.com
//	header: Rollcall-Explain: 1
//	POST /v4/im_open_login_svc/kick?{{admin}}
//	{"UserID":"alice"}
//	---
//	{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}
//	< Rollcall-Explain: 0=70402                          (a header of the response)
//
// "go test ./conformance -update" rewrites covers, responses and listed headers. The
// function expand describes the placeholders. Transcripts run in a [testing/synctest]
// bubble, so their time advances only by sleep, on any machine. They run on several kinds of
// stores; see package anystore.
package conformance
