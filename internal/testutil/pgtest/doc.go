// Package pgtest starts the database servers that tests need, from the programs of the
// system's packages. Each server has a folder and a port of 127.0.0.1 of its own. It ends
// with the test process, even if that is killed.
//
// A test that needs a program that is not installed fails if the environment variable CI
// is true. Otherwise it is skipped. tools/setup installs the programs.
package pgtest
