package sysmem

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapReal reserves more than it commits, so that the aligned part is inside.
func mapReal(n, align int) (Region, error) {
	n = RoundUp(n)
	base, err := windows.VirtualAlloc(0, uintptr(n+align), windows.MEM_RESERVE, windows.PAGE_READWRITE)
	if err != nil {
		return Region{}, err
	}
	p := (base + uintptr(align) - 1) &^ (uintptr(align) - 1)
	if _, err := windows.VirtualAlloc(p, uintptr(n), windows.MEM_COMMIT, windows.PAGE_READWRITE); err != nil {
		_ = windows.VirtualFree(base, 0, windows.MEM_RELEASE) // the first error tells more
		return Region{}, err
	}
	return Region{Mem: unsafe.Slice((*byte)(unsafe.Add(nil, p)), n)}, nil
}

func discard(b []byte) bool {
	base := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	_, err := windows.VirtualAlloc(base, uintptr(len(b)), windows.MEM_RESET, windows.PAGE_READWRITE)
	return err == nil
}

// Protect makes whole pages inaccessible, or accessible again.
func Protect(b []byte, accessible bool) error {
	prot := uint32(windows.PAGE_NOACCESS)
	if accessible {
		prot = windows.PAGE_READWRITE
	}
	var old uint32
	return windows.VirtualProtect(uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), prot, &old)
}

// HugeSize is the size of a huge page, or 0 where there is none. A Region of that size
// may be unmapped in parts.
const HugeSize = 0

// AdviseHuge asks for huge pages, which only Linux lets programs do.
func AdviseHuge([]byte) {}

// unmapPages asks the system where the reservation begins, which is before r.
func unmapPages(r Region) error {
	var info windows.MemoryBasicInformation
	if err := windows.VirtualQuery(r.Base(), &info, unsafe.Sizeof(info)); err != nil {
		return err
	}
	return windows.VirtualFree(info.AllocationBase, 0, windows.MEM_RELEASE)
}
