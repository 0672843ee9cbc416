package table

import "golang.org/x/sys/unix"

// useHugePages asks for large pages for a block that is aligned to them.
func useHugePages(b []byte) {
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // it is only a wish
}
