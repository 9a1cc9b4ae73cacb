// Package conformance holds Rollcall against what is known of the vendor's
// protocol. It has tests only:
//
//   - testdata/*.txt are transcripts: requests and their exact answers, among
//     them every example of the vendor's documents;
//   - every line of docs/divergences.md has a test of its number;
//   - docs/compatibility.md is generated from testdata/catalogue.tsv and from
//     what the transcripts show;
//   - npm/ drives published clients, unmodified, against a server over TLS;
//   - every example of the OpenAPI documents is a call; openapi/ validates the
//     documents and uses the page at /docs in a browser;
//   - docs/errors.md is generated from the table of codes and the catalogue.
//
// # Transcripts
//
// A file begins with comments (#) and settings of its server, then come steps:
//
//	# What it is about.
//	covers: account_import=70402 account_import>UserID   (written by -update)
//	app: {"edition":"trial","settings":{"quota":3}}      (any number; sdkappid 1400000000 if not given)
//	accounts: alice bob                                  (exist from the start)
//	device: alice iPhone push 7                          (or online; the number is the instance)
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
//	< Rollcall-Explain: 0=70402                          (a header of the answer)
//
// "go test ./conformance -update" rewrites covers, answers and listed headers.
// Placeholders are described at the function expand. Time is that of a
// [testing/synctest] bubble: it moves only by sleep, on any machine.
package conformance
