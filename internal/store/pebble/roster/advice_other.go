//go:build !linux

package roster

func largePages([]byte) {}

func forget([]byte) {}
