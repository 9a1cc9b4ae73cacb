// Package guard protects the store of the embedded engine from failures of Pebble and of
// the disk:
//   - It fails the store when nothing may be acknowledged any more (failure.go,
//     guardedfs.go, logger.go).
//   - It refuses writes before the disk is full (space.go).
//   - It slows compactions down while commits are made (pace.go).
//   - It limits how often errors of background work are logged (errors.go).
//   - It records the durable length and checksum of the logs and the manifest
//     (checksums.go, record.go, damage.go).
//   - It copies a directory to a disk that may hang (copy.go, cut.go).
package guard
