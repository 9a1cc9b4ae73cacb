// Package guard stands between the embedded engine's store, Pebble and the disk: it
// ends the store when nothing may be acknowledged any more (failure.go, guardedfs.go,
// logger.go), refuses writes before the disk is full (space.go), slows compactions
// down while commits wait for the disk (pace.go), keeps errors of background
// work from filling the log (errors.go), records what the logs and the manifest hold
// (checksums.go, record.go, damage.go), and copies a directory to a disk that may not
// answer (copy.go).
package guard
