//go:build race

package testutil

// Race reports whether the race detector is on. It makes pools forget at random,
// so allocations cannot be counted under it.
const Race = true
