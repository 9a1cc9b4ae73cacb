// Package recording records the calls of a program to any server that speaks the vendor's
// protocol, and replays them against another one to find differences.
//
// A [Recorder] is a reverse proxy. It forwards everything unchanged and writes one line of
// JSON for each call under /v4/. Texts of users are replaced by pseudonyms (see package
// pseudonym), and signatures are not written. docs/recording.md says what is kept.
//
// [Open] reads a recording. A [Replayer] sends its calls in order, signed anew, and
// reports how the responses differ.
package recording
