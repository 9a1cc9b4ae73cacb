// Package faultfs mounts a file system with faults for tests. A test can switch errors,
// delays and hangs of selected operations on selected files on and off, while a real
// process uses the file system. It is a directory of the real file system behind FUSE.
package faultfs
