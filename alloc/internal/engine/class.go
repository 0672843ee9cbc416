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
	if n <= tableMax {
		return uint(classes[uint(n-1)/quantum])
	}
	return coarse(uint(n - 1))
}

// classes has the classes of the sizes up to tableMax, by steps of quantum: random
// small sizes would often lead the processor astray at a branch.
var classes = [tableMax / quantum]uint8{
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23,
	24, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27, 27,
	28, 28, 28, 28, 29, 29, 29, 29, 30, 30, 30, 30, 31, 31, 31, 31,
}

const tableMax = 1024

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
