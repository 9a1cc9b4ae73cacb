//go:build !linux

package pebble

func largePages([]byte) {}

func forget([]byte) {}
