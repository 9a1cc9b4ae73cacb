// Package faultfs mounts a file system with faults for tests: errors, delays and
// hangs of chosen operations on chosen files, switched on and off while a real process
// works on it. It is a directory of the real file system behind FUSE.
package faultfs
