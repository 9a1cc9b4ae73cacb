package idtable

import "syscall"

// largePages asks for large pages under b. It is advice: nothing depends on it.
func largePages(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }

// forget gives the memory under b back, which is whole pages of the system. What
// it holds is lost.
func forget(b []byte) { _ = syscall.Madvise(b, syscall.MADV_DONTNEED) }
