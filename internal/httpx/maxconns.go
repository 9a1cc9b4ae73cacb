package httpx

import "fmt"

const (
	// mostConns bounds the memory of connections where files are no bound: an
	// idle one over TLS takes some 50 KiB.
	mostConns = 16384

	// leastFiles is the least number of open files to run with. Half of it is
	// for connections; the rest is enough for a small store, a listener for
	// admins and the log.
	leastFiles = 640

	// keptFiles is what a store with many tables likes to keep open, with room
	// for everything else.
	keptFiles = 1280
)

// MaxConns returns how many connections the process may accept without running
// out of file descriptors under its store: three quarters of the limit of open
// files, half of a low one, and never more than 16384.
//
// The limit is the hard one: the runtime of Go raises the soft limit at start.
// The error of one that is too low to work with says so.
func MaxConns() (int, error) {
	files, ok := openFiles()
	if !ok {
		return mostConns, nil
	}
	return connsOf(files)
}

// connsOf returns how many of files may be connections.
func connsOf(files uint64) (int, error) {
	if files < leastFiles {
		return 0, fmt.Errorf("the process may open only %d files: raise the limit to %d or more (ulimit -n, LimitNOFILE= of systemd)", files, leastFiles)
	}
	kept := max(files/4, min(files/2, keptFiles))
	return int(min(files-kept, mostConns)), nil
}
