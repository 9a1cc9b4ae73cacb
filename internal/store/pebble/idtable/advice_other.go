//go:build !linux

package idtable

func largePages([]byte) {}

func forget([]byte) {}
