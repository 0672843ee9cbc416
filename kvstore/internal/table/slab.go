package table

import (
	"encoding/binary"
	"unsafe"
)

// The store of records: blocks cut from chunks of at most 64 KiB, addressed in
// units of 8 bytes. Free blocks of a size class form a list through their first
// bytes. A record that is too large for a chunk has a slice of its own.
//
// A block begins at a multiple of the largest power of two that divides its size, up
// to a cache line, and what nearly fills a cache line gets a whole one: so that a
// look-up waits for as few lines as can be (BenchmarkParallel of the root package: a
// fifth of the time with keys of 16 bytes and values of 32).
const (
	unitBits  = 3
	chunkBits = 13 // units of a chunk
	chunkSize = 1 << (chunkBits + unitBits)
	chunkMask = 1<<chunkBits - 1
	maxBlock  = 8 << 10
	bigFlag   = 1 << 31
	smallEnd  = 256 // up to here a class has every multiple of 8
	classes   = smallEnd/8 + 5*8
	firstSize = 256 // bytes of the first chunk, which doubles until it is whole
	cacheLine = 64
)

// A Ref names a record of one table: 0 is none.
type Ref uint32

type slab struct {
	chunks [][]byte
	starts []*byte // of chunks, for layouts: never changed, but appended to or replaced
	last   int     // the chunk that blocks are cut from, if there is one
	used   int     // bytes of it that are taken
	free   [classes]Ref
	big    [][]byte
	bigIDs []uint32 // free places in big

	regrown bool // chunks, since the last layout

	pool      *Pool
	freeBytes int // in the lists
	bigBytes  int
}

// classOf returns the size class of n bytes and its size.
func classOf(n int) (class, size int) {
	if n <= smallEnd {
		c := (n + 7) >> 3
		if c == cacheLine/8-1 {
			c++
		}
		return c - 1, c << 3
	}
	// Eight steps in each doubling.
	shift := 5
	for n > 512<<(shift-5) {
		shift++
	}
	steps := (n + 1<<shift - 1) >> shift // 9..16
	return smallEnd/8 + (shift-5)*8 + steps - 9, steps << shift
}

// alloc returns a block of at least n bytes.
func (s *slab) alloc(n int) (Ref, []byte) {
	if n > maxBlock {
		return s.allocBig(n)
	}
	class, size := classOf(n)
	if r := s.free[class]; r != 0 {
		b := s.block(r)
		s.free[class] = Ref(binary.LittleEndian.Uint32(b))
		s.freeBytes -= size
		return r, b
	}
	if len(s.chunks) == 0 {
		s.begin(make([]byte, max(firstSize, size+8)))
	}
	gap := -s.used & (alignOf(size) - 1)
	if chunk := s.chunks[s.last]; s.used+gap+size > len(chunk) {
		switch {
		case s.used+gap+size <= chunkSize:
			// Only the first one is smaller than a whole one.
			var grown []byte
			if n := max(2*len(chunk), s.used+gap+size); n > chunkSize/2 {
				grown, _ = s.pool.get()
			} else {
				grown = make([]byte, n)
			}
			copy(grown, chunk[:s.used])
			s.setFirst(grown)
		case len(s.chunks) == bigFlag>>chunkBits:
			return s.allocBig(n)
		default:
			s.giveUpTo(len(chunk))
			s.last, _ = s.addChunk()
			s.used, gap = 0, 0
		}
	}
	s.giveUpTo(s.used + gap)
	r := s.cut(size)
	if gap > 0 && len(s.chunks[s.last]) == chunkSize {
		// Some more, so that gaps are few where records of several sizes follow one another.
		for n := 0; n < 7 && s.used+size <= chunkSize; n++ {
			s.put(s.cut(size), class, size)
		}
	}
	return r, s.block(r)
}

// cut takes the next block of a size.
func (s *slab) cut(size int) Ref {
	r := Ref(s.last<<chunkBits | s.used>>unitBits)
	s.used += size
	return r
}

// alignOf returns what the place of a block of a size must be a multiple of.
func alignOf(size int) int { return min(size&-size, cacheLine) }

// begin gives the slab its first chunk. Unit 0 stays unused: a Ref of 0 is none.
func (s *slab) begin(c []byte) {
	s.setFirst(c)
	s.last, s.used = 0, 8
}

// addChunk adds a chunk, which is not clear if it was used before, and returns its number.
func (s *slab) addChunk() (id int, used bool) {
	c, used := s.pool.get()
	s.chunks = append(s.chunks, c)
	s.starts, s.regrown = append(s.starts, unsafe.SliceData(c)), true
	return len(s.chunks) - 1, used
}

// whole adds a chunk of which no blocks will be cut, as addChunk does, if there may be
// one more.
func (s *slab) whole() (id int, used, ok bool) {
	switch {
	case len(s.chunks) == 0:
		c, _ := s.pool.get()
		s.begin(c)
	case len(s.chunks[0]) < chunkSize:
		c, _ := s.pool.get()
		copy(c, s.chunks[0][:s.used])
		s.setFirst(c)
	case len(s.chunks) == bigFlag>>chunkBits:
		return 0, false, false
	}
	id, used = s.addChunk()
	return id, used, true
}

// setFirst makes a chunk the first and only one.
func (s *slab) setFirst(c []byte) {
	s.chunks = append(s.chunks[:0], c)
	s.starts, s.regrown = []*byte{unsafe.SliceData(c)}, true
}

// giveUpTo puts what is left of the chunk that blocks are cut from on the lists, up to a
// place.
func (s *slab) giveUpTo(end int) {
	for s.used+8 <= end {
		class, size := classOf(min(end-s.used, maxBlock))
		for s.used+size > end || s.used&(alignOf(size)-1) != 0 || size == cacheLine-8 {
			class--
			size = classSize(class)
		}
		s.put(s.cut(size), class, size)
	}
}

func classSize(class int) int {
	if class < smallEnd/8 {
		return (class + 1) << 3
	}
	class -= smallEnd / 8
	return (class%8 + 9) << (class/8 + 5)
}

func (s *slab) put(r Ref, class, size int) {
	binary.LittleEndian.PutUint32(s.block(r), uint32(s.free[class]))
	s.free[class] = r
	s.freeBytes += size
}

func (s *slab) allocBig(n int) (Ref, []byte) {
	b := make([]byte, n)
	s.bigBytes += cap(b)
	if last := len(s.bigIDs) - 1; last >= 0 {
		id := s.bigIDs[last]
		s.bigIDs = s.bigIDs[:last]
		s.big[id] = b
		return Ref(id | bigFlag), b
	}
	s.big = append(s.big, b)
	return Ref(len(s.big)-1) | bigFlag, b
}

// block returns the bytes from a record on.
func (s *slab) block(r Ref) []byte {
	if r&bigFlag != 0 {
		return s.big[r&^bigFlag]
	}
	return s.chunks[r>>chunkBits][(r&chunkMask)<<unitBits:]
}

// release gives back a block of n bytes.
func (s *slab) release(r Ref, n int) {
	if r&bigFlag != 0 {
		id := uint32(r &^ bigFlag)
		s.bigBytes -= cap(s.big[id])
		s.big[id] = nil
		s.bigIDs = append(s.bigIDs, id)
		return
	}
	class, size := classOf(n)
	s.put(r, class, size)
}

// bytes is the memory in use, lists included.
func (s *slab) bytes() int {
	n := s.bigBytes
	if len(s.chunks) > 0 {
		n += (len(s.chunks)-1)*chunkSize + len(s.chunks[len(s.chunks)-1])
	}
	return n
}
