package idtable

import (
	"fmt"
	"syscall"
)

// allocate returns n zero bytes from the system, outside the heap of the collector. A
// table of gigabytes on the heap would let the heap grow to twice its size between
// collections. The memory is freed with release.
func allocate(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Sprintf("no memory for the table of accounts: %v", err))
	}
	largePages(b)
	return b
}

func release(b []byte) { _ = syscall.Munmap(b) } // it is a whole allocation: it cannot fail
