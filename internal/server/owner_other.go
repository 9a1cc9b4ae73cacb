//go:build !unix

package server

import "io/fs"

// ownedByCaller cannot be told here; the mode has been looked at.
func ownedByCaller(fs.FileInfo) bool { return true }
