//go:build !unix && !windows

package sysmem

import "errors"

func mapReal(n, align int) (Region, error) { return onHeap(n, align) }

func unmapPages(Region) error { return nil }

// Protect is not supported here.
func Protect([]byte, bool) error { return errors.ErrUnsupported }

// HugeSize is the size of a huge page, or 0 where there is none. A Region of that size
// may be unmapped in parts.
const HugeSize = 0

// AdviseHuge asks for huge pages, which only Linux lets programs do.
func AdviseHuge([]byte) {}
