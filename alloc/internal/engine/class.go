package engine

// The size classes: multiples of 16 up to 256, eight to a doubling up to 1 KiB, and
// from there on sizes of which pages have few bytes left over, sixteen to a doubling
// from 4 KiB on. They were chosen so that rounding and leftovers together waste
// least, 4 % of large blocks. (jemalloc and mimalloc have four to a doubling, which
// wastes a tenth.) More classes make for more pages that are partly free; see
// neighbours.
var sizes = [...]uint16{
	16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256,
	288, 320, 352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 832, 896, 960, 1024,
	1152, 1280, 1408, 1536, 1664, 1920, 2048, 2176, 2304, 2560, 2816, 3072, 3328, 3584, 3840, 4096,
	4224, 4352, 4480, 4608, 4864, 4992, 5120, 5376, 5632, 5760, 5888, 6144, 6528, 6784, 6912, 7168,
	7552, 7680, 8192, 8704, 8832, 9344, 9728, 9984, 10880, 11904, 12288, 13056, 13952, 14464, 15232, 16384,
	17792, 18176, 18688, 19584, 20480, 21760, 23296, 24576, 25472, 26112, 27264, 28032, 28672, 29056, 30592, 32768,
}

// fineClasses has the classes of the sizes up to fineMax, by steps of quantum.
var fineClasses = [fineMax / quantum]uint8{
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23,
	24, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27, 27,
	28, 28, 28, 28, 29, 29, 29, 29, 30, 30, 30, 30, 31, 31, 31, 31,
}

// coarseClasses has those of larger sizes, by steps of coarseStep.
var coarseClasses = [largest / coarseStep]uint8{
	7, 15, 19, 23, 25, 27, 29, 31, 32, 33, 34, 35, 36, 37, 37, 38,
	39, 40, 41, 41, 42, 42, 43, 43, 44, 44, 45, 45, 46, 46, 47, 47,
	48, 49, 50, 51, 52, 52, 53, 54, 55, 55, 56, 56, 57, 58, 59, 59,
	60, 60, 60, 61, 61, 62, 63, 63, 64, 64, 64, 65, 66, 66, 66, 66,
	67, 67, 67, 67, 68, 69, 69, 69, 69, 70, 70, 70, 71, 71, 72, 72,
	72, 72, 72, 72, 72, 73, 73, 73, 73, 73, 73, 73, 73, 74, 74, 74,
	75, 75, 75, 75, 75, 75, 76, 76, 76, 76, 76, 76, 76, 77, 77, 77,
	77, 78, 78, 78, 78, 78, 78, 79, 79, 79, 79, 79, 79, 79, 79, 79,
	80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 81, 81, 81, 82, 82,
	82, 82, 83, 83, 83, 83, 83, 83, 83, 84, 84, 84, 84, 84, 84, 84,
	85, 85, 85, 85, 85, 85, 85, 85, 85, 85, 86, 86, 86, 86, 86, 86,
	86, 86, 86, 86, 86, 86, 87, 87, 87, 87, 87, 87, 87, 87, 87, 87,
	88, 88, 88, 88, 88, 88, 88, 89, 89, 89, 89, 89, 90, 90, 90, 90,
	90, 90, 90, 90, 90, 91, 91, 91, 91, 91, 91, 92, 92, 92, 92, 92,
	93, 93, 93, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 95,
	95, 95, 95, 95, 95, 95, 95, 95, 95, 95, 95, 95, 95, 95, 95, 95,
}

const (
	quantum    = 16
	fineMax    = 1024
	coarseStep = 128
	largest    = 32 << 10

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

// spanSlices returns the number of slices of a page of class c: room for some blocks
// at least, and for little else.
func spanSlices(c int) int {
	size, blocks := ClassSize(c), 8
	if size > 8<<10 {
		blocks = 4
	}
	least := (blocks*size + sliceSize - 1) / sliceSize
	best := least
	for n := least; n <= 2*least; n++ {
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
