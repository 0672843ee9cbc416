package sysmem

import "golang.org/x/sys/unix"

const noReserve = unix.MAP_NORESERVE

func discard(b []byte) bool {
	return isPages(b) && unix.Madvise(b, unix.MADV_DONTNEED) == nil
}

// AdviseHuge asks for huge pages; the system need not comply.
func AdviseHuge(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }
