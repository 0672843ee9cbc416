//go:build unix

package sysmem

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func mmap(n int) (unsafe.Pointer, error) {
	return unix.MmapPtr(-1, 0, nil, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|noReserve)
}

// mapReal first asks for no more than it needs: the kernel puts mappings side by
// side, so the place below an aligned one is aligned as well.
func mapReal(n, align int) (Region, error) {
	n = RoundUp(n)
	p, err := mmap(n)
	if err != nil {
		return Region{}, err
	}
	if uintptr(p)&uintptr(align-1) == 0 {
		return Region{Mem: unsafe.Slice((*byte)(p), n)}, nil
	}
	if err := unix.MunmapPtr(p, uintptr(n)); err != nil {
		return Region{}, err
	}
	if p, err = mmap(n + align); err != nil {
		return Region{}, err
	}
	skip := -uintptr(p) & uintptr(align-1)
	for _, cut := range [2]struct{ from, n uintptr }{{0, skip}, {skip + uintptr(n), uintptr(align) - skip}} {
		if cut.n == 0 {
			continue
		}
		if err := unix.MunmapPtr(unsafe.Add(p, cut.from), cut.n); err != nil {
			return Region{}, err
		}
	}
	return Region{Mem: unsafe.Slice((*byte)(unsafe.Add(p, skip)), n)}, nil
}

func unmapPages(r Region) error {
	return unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(r.Mem)), uintptr(len(r.Mem)))
}

// Protect makes whole pages inaccessible, or accessible again.
func Protect(b []byte, accessible bool) error {
	prot := unix.PROT_NONE
	if accessible {
		prot = unix.PROT_READ | unix.PROT_WRITE
	}
	return unix.Mprotect(b, prot)
}

// isPages tells whether b covers whole pages, as advice about it must.
func isPages(b []byte) bool {
	mask := uintptr(os.Getpagesize() - 1)
	return (uintptr(unsafe.Pointer(unsafe.SliceData(b)))|uintptr(len(b)))&mask == 0
}
