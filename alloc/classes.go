package alloc

import "math/bits"

// Size classes: multiples of 16 up to 128, then four to each doubling up to
// maxSmall, so that rounding up wastes at most a fifth of a block. (The scheme of
// jemalloc and of mimalloc.)
const (
	quantum    = 16
	maxSmall   = 32 << 10
	numClasses = 8 + 8*4
)

// classOf returns the class of the smallest blocks that hold n bytes, for
// 1 <= n <= maxSmall.
func classOf(n int) int {
	if n <= 128 {
		return (n - 1) / quantum
	}
	// n-1 lies in [2^shift, 2^(shift+1)); the two bits below the top one choose
	// among the four classes of that doubling.
	shift := bits.Len(uint(n-1)) - 1
	quarter := (n - 1) >> (shift - 2) & 3
	return 8 + (shift-7)*4 + quarter
}

// classSize returns the size of the blocks of class c.
func classSize(c int) int {
	if c < 8 {
		return (c + 1) * quantum
	}
	shift := (c-8)/4 + 7
	return 1<<shift + (c%4+1)<<(shift-2)
}
