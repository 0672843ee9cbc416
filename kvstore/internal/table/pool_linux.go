package table

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// useHugePages asks for large pages where a block covers them whole.
func useHugePages(b []byte) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	skip := int(-at & (hugePage - 1))
	if n := (len(b) - skip) &^ (hugePage - 1); n > 0 {
		_ = unix.Madvise(b[skip:skip+n], unix.MADV_HUGEPAGE) // it is only a wish
	}
}
