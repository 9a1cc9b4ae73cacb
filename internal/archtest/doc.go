// Package archtest contains the rules of the repository as tests: which packages
// may import which others, limits of size, which names need a comment, the
// reason for each required module, and which documents are translated.
//
// The tests read the source instead of running the go command. The test cache
// does not see the output of that command, so a cached pass could hide a new
// import. Each rule is a function from a tree of files to a list of problems,
// which is also tested on trees that break the rule.
package archtest
