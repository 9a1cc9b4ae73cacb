// Package archtest holds the rules of the repository as tests: which package
// may import which, the limits of the house on size, what must be documented,
// and which modules we depend on.
//
// The tests read the source themselves rather than asking the go command: its
// answers are invisible to the test cache, and a cached pass would hide a new
// import. Each rule is a function from a tree of files to a list of problems,
// so that it is tested on bad trees too.
package archtest
