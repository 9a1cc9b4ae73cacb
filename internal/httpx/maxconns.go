package httpx

import "fmt"

const (
	// mostConns limits the memory of connections if the number of files does
	// not: an idle connection with TLS uses about 50 KiB.
	mostConns = 16384

	// leastFiles is the minimum limit of open files. Half of it is for
	// connections. The rest is enough for a small store, a listener for admins
	// and the log.
	leastFiles = 640

	// keptFiles is the number of files that a store with many tables should be
	// able to keep open, with some for everything else.
	keptFiles = 1280
)

// MaxConns returns how many connections the process may accept without running
// out of file descriptors for its store. That is three quarters of the limit of
// open files, or half of a low limit, and at most 16384.
//
// The limit is the hard limit, because the runtime of Go raises the soft limit
// at start. MaxConns fails if the limit is too low.
func MaxConns() (int, error) {
	files, ok := openFiles()
	if !ok {
		return mostConns, nil
	}
	return connsOf(files)
}

// connsOf returns how many of files may be used for connections.
func connsOf(files uint64) (int, error) {
	if files < leastFiles {
		return 0, fmt.Errorf("the process may open only %d files: raise the limit to %d or more (ulimit -n, LimitNOFILE= of systemd)", files, leastFiles)
	}
	kept := max(files/4, min(files/2, keptFiles))
	return int(min(files-kept, mostConns)), nil
}
