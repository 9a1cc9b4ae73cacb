//go:build race

package testutil

// Race reports whether the race detector is on. The race detector drops elements of
// pools at random, so tests cannot count allocations under it.
const Race = true
