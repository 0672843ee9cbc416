//go:build unix && !linux

package sysmem

import "golang.org/x/sys/unix"

const noReserve = 0

func discard(b []byte) bool {
	return isPages(b) && unix.Madvise(b, unix.MADV_FREE) == nil
}

// AdviseHuge asks for huge pages, which only Linux lets programs do.
func AdviseHuge([]byte) {}
