package idtable

import (
	"fmt"
	"syscall"
)

// allocate returns n zero bytes from the system, out of the collector's sight:
// a table of gigabytes would otherwise let the heap grow to twice its size
// before the collector looks at it. release gives them back.
func allocate(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Sprintf("no memory for the table of accounts: %v", err))
	}
	largePages(b)
	return b
}

func release(b []byte) { _ = syscall.Munmap(b) } // it is a whole allocation: it cannot fail
