//go:build unix && !linux

package sysmem

import "golang.org/x/sys/unix"

const noReserve = 0

func discard(b []byte) bool {
	return isPages(b) && unix.Madvise(b, unix.MADV_FREE) == nil
}

// HugeSize is the size of a huge page, or 0 where there is none. A Region of that size
// may be unmapped in parts.
const HugeSize = 0

// AdviseHuge asks for huge pages, which only Linux lets programs do.
func AdviseHuge([]byte) {}
