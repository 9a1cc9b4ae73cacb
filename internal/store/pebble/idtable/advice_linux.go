package idtable

import "syscall"

// largePages asks the system for large pages under b. It is only advice.
func largePages(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }

// forget returns the memory of b, which is whole pages of the system. Its content is lost.
func forget(b []byte) { _ = syscall.Madvise(b, syscall.MADV_DONTNEED) }
