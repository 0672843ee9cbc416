package engine

import "math/bits"

// Size classes: multiples of 16 up to 256, then eight to each doubling up to
// MaxSmall, so that rounding up wastes at most a ninth of a block, and five in a
// hundred on average. (jemalloc and mimalloc have four to a doubling, which
// costs twice that.)
const (
	quantum    = 16
	fineMax    = 256
	fineBits   = 8
	fine       = fineMax / quantum
	perDouble  = 8
	perBits    = 3
	MaxSmall   = 1 << sliceShift // the largest block that has a class, in bytes
	NumClasses = fine + perDouble*(sliceShift-fineBits)

	// classBig marks spans that are one block.
	classBig = NumClasses
)

// classOf returns the class of the smallest blocks that hold n bytes, for
// 1 <= n <= MaxSmall.
func classOf(n int) uint {
	if n <= fineMax {
		return uint(n-1) / quantum
	}
	return coarse(uint(n - 1))
}

// coarse is classOf(x+1) for fineMax <= x < MaxSmall. x lies in [2^shift,
// 2^(shift+1)); the bits below its top one choose among the classes of that
// doubling.
func coarse(x uint) uint {
	shift := uint(bits.Len(x) - 1)
	return (fine + perDouble*(shift-fineBits) + x>>((shift-perBits)&63)&(perDouble-1)) & (1<<7 - 1)
}

// ClassSize returns the size of the blocks of class c in bytes.
func ClassSize(c int) int {
	if c < fine {
		return (c + 1) * quantum
	}
	shift := (c-fine)/perDouble + fineBits
	return 1<<shift + (c%perDouble+1)<<(shift-perBits)
}

// spanSlices returns the number of slices of a page of class c: room for eight
// blocks at least.
func spanSlices(c int) int {
	return (8*ClassSize(c) + sliceSize - 1) / sliceSize
}
