package engine

// The size classes: multiples of 16 up to 256, eight to a doubling up to 2 KiB, then
// twelve, and from 4 KiB on sixteen, chosen so that rounding and what is left over at
// the end of pages together waste least, 2.7 % of large blocks. (jemalloc and mimalloc
// have four to a doubling, which wastes a tenth.) More classes make for more pages
// that are partly free; see neighbours.
var sizes = [...]uint16{
	16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256,
	288, 320, 352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 832, 896, 960, 1024,
	1152, 1280, 1408, 1536, 1664, 1792, 1920, 2048, 2176, 2432, 2560, 2816, 3072, 3328, 3456, 3584,
	3712, 3840, 3968, 4096, 4352, 4480, 4736, 4864, 5120, 5376, 5632, 5760, 6016, 6272, 6528, 6784,
	7168, 7424, 7680, 8192, 8576, 9088, 9472, 9984, 10496, 10880, 11264, 11904, 12288, 12800, 13312, 13824,
	14336, 14720, 15104, 16384, 17536, 19072, 20480, 21760, 23168, 24576, 25728, 27264, 28672, 30208, 31360, 32768,
}

// fineClasses has the classes of the sizes up to fineMax, by steps of quantum.
var fineClasses = [fineMax / quantum]uint8{
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23,
	24, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27, 27,
	28, 28, 28, 28, 29, 29, 29, 29, 30, 30, 30, 30, 31, 31, 31, 31,
}

// coarseClasses has those of larger sizes, by steps of coarseStep.
var coarseClasses = [MaxSmall / coarseStep]uint8{
	7, 15, 19, 23, 25, 27, 29, 31, 32, 33, 34, 35, 36, 37, 38, 39,
	40, 41, 41, 42, 43, 43, 44, 44, 45, 45, 46, 47, 48, 49, 50, 51,
	52, 52, 53, 54, 54, 55, 56, 56, 57, 57, 58, 58, 59, 60, 60, 61,
	61, 62, 62, 63, 63, 64, 64, 64, 65, 65, 66, 66, 67, 67, 67, 67,
	68, 68, 68, 69, 69, 69, 69, 70, 70, 70, 71, 71, 71, 71, 72, 72,
	72, 72, 73, 73, 73, 74, 74, 74, 75, 75, 75, 75, 75, 76, 76, 76,
	77, 77, 77, 77, 78, 78, 78, 78, 79, 79, 79, 79, 80, 80, 80, 80,
	81, 81, 81, 82, 82, 82, 83, 83, 83, 83, 83, 83, 83, 83, 83, 83,
	84, 84, 84, 84, 84, 84, 84, 84, 84, 85, 85, 85, 85, 85, 85, 85,
	85, 85, 85, 85, 85, 86, 86, 86, 86, 86, 86, 86, 86, 86, 86, 86,
	87, 87, 87, 87, 87, 87, 87, 87, 87, 87, 88, 88, 88, 88, 88, 88,
	88, 88, 88, 88, 88, 89, 89, 89, 89, 89, 89, 89, 89, 89, 89, 89,
	90, 90, 90, 90, 90, 90, 90, 90, 90, 91, 91, 91, 91, 91, 91, 91,
	91, 91, 91, 91, 91, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92,
	93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 94, 94, 94, 94,
	94, 94, 94, 94, 94, 95, 95, 95, 95, 95, 95, 95, 95, 95, 95, 95,
}

const (
	// NumClasses is the number of size classes.
	NumClasses = 96

	// MaxSmall is the size of the largest block that has a class, in bytes.
	MaxSmall = 32 << 10

	quantum    = 16
	fineMax    = 1024
	coarseStep = 128

	// classBig marks spans that are one block.
	classBig = NumClasses
)

// classOf returns the class of the smallest blocks that hold n bytes, for
// 1 <= n <= MaxSmall.
func classOf(n int) uint {
	x := uint(n - 1)
	if x < fineMax {
		return uint(fineClasses[x/quantum])
	}
	return uint(coarseClasses[x/coarseStep])
}

// ClassSize returns the size of the blocks of class c in bytes.
func ClassSize(c int) int { return int(sizes[c]) }

// pageBytes returns the least size of pages of blocks of some size. Where there are
// few blocks of a class, more of a large page would be free; but where threads free
// each other's blocks, a page should not be full or empty too often.
func pageBytes(size int) int {
	switch {
	case size <= 256:
		return 16 << 10
	case size <= 512:
		return 32 << 10
	case size <= 1024:
		return 64 << 10
	case size <= 2048:
		return 32 << 10
	}
	return 64 << 10
}

// spanSlices returns the number of slices of a page of class c: room for some blocks
// at least, and for little else if they are large.
func spanSlices(c int) int {
	size, blocks, most := ClassSize(c), 8, 2
	if size > 8<<10 {
		blocks, most = 4, 3
	}
	least := (max(blocks*size, pageBytes(size)) + sliceSize - 1) / sliceSize
	if size <= 1024 {
		return least
	}
	best := least
	for n := least; n <= most*least; n++ {
		if n*sliceSize%size*best < best*sliceSize%size*n {
			best = n
		}
	}
	return best
}

// neighbours returns how many of the next classes serve for class c when it has no
// free block: a page more would cost more than what they waste. Below a kilobyte,
// pages have so many blocks that it does not matter.
func neighbours(c uint) uint {
	if sizes[c] < 1024 {
		return 0
	}
	return min(3, NumClasses-1-c)
}
