package sysmem

import "golang.org/x/sys/unix"

const noReserve = unix.MAP_NORESERVE

func discard(b []byte) bool {
	return isPages(b) && unix.Madvise(b, unix.MADV_DONTNEED) == nil
}

// HugeSize is the size of a huge page, or 0 where there is none. A Region of that size
// may be unmapped in parts.
const HugeSize = 2 << 20

// AdviseHuge asks for huge pages; the system need not comply.
func AdviseHuge(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }
