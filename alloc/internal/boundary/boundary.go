// Package boundary cuts a buffer into blocks with boundary tags: each block carries its
// size at its front, each free block also at its end, so that neighbours are found in
// constant time. It knows nothing of how free blocks are looked for.
package boundary

import (
	"encoding/binary"
	"iter"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/heapmap"
)

// The layout of a block at offset b, a multiple of Unit from the aligned base:
//
//	b+8     size of the block, or flags
//	b+16    payload up to b+size+8; a free block keeps in its first 16 bytes the
//	        offsets of the next and the previous block of its list
//	b+size  the last 8 bytes of the payload; a free block repeats its size there,
//	        so that the block behind it finds its start
//
// Offset 0 is not a block, so that 0 can mean none in a list.
const (
	// Unit is what sizes and offsets are multiples of, and the offset of the first block.
	Unit = 16
	// Header is what a block costs besides its payload.
	Header = 8
	// MinBlock is the size of the smallest block.
	MinBlock = 2 * Unit

	// PrevUsed is the flag of a block that the one before it is allocated, so that there
	// is no size at its end.
	PrevUsed = 2

	used  = 1 // the flag of an allocated block
	flags = Unit - 1
)

// Memory is a buffer of blocks.
type Memory struct {
	// End is the offset behind the last block.
	End int

	buf  []byte
	base int // index in buf of offset 0
}

// New returns a Memory over buf, and whether it has room for a block. The caller makes
// that with [Memory.SetFree].
func New(buf []byte) (Memory, bool) {
	m := Memory{buf: buf}
	if len(buf) > 0 {
		m.base = int(-uintptr(unsafe.Pointer(&buf[0])) & (Unit - 1))
	}
	// The last header half of a unit is the end mark, a used block of size 0.
	m.End = (len(buf) - m.base - Unit) &^ (Unit - 1)
	if m.End < Unit+MinBlock {
		return Memory{}, false
	}
	m.Put(m.End+Header, used|PrevUsed)
	return m, true
}

// At reads a word.
func (m *Memory) At(off int) int { return int(binary.NativeEndian.Uint64(m.buf[m.base+off:])) }

// Put writes a word.
func (m *Memory) Put(off, v int) { binary.NativeEndian.PutUint64(m.buf[m.base+off:], uint64(v)) }

// Size returns the size of block b.
func (m *Memory) Size(b int) int { return m.At(b+Header) &^ flags }

// IsUsed tells whether block b is allocated.
func (m *Memory) IsUsed(b int) bool { return m.At(b+Header)&used != 0 }

// Prev returns PrevUsed if the block before block b is allocated, else 0.
func (m *Memory) Prev(b int) int { return m.At(b+Header) & PrevUsed }

// SetFree makes [b, b+size) a free block; prev is 0 or PrevUsed.
func (m *Memory) SetFree(b, size, prev int) {
	m.Put(b+Header, size|prev)
	m.Put(b+size, size)
	m.Put(b+size+Header, m.At(b+size+Header)&^PrevUsed)
}

// SetUsed makes [b, b+size) an allocated block; prev is 0 or PrevUsed. If rest is true,
// the caller makes a free block behind it with PrevUsed.
func (m *Memory) SetUsed(b, size, prev int, rest bool) {
	m.Put(b+Header, size|used|prev)
	if !rest {
		m.Put(b+size+Header, m.At(b+size+Header)|PrevUsed)
	}
}

// Fit returns the size of the block for n bytes of payload.
func Fit(n int) int { return max((n+Header+Unit-1)&^(Unit-1), MinBlock) }

// Pointer returns the address of the payload of block b.
func (m *Memory) Pointer(b int) unsafe.Pointer { return unsafe.Pointer(&m.buf[m.base+b+Unit]) }

// Offset returns the block whose payload would start at p, and whether there may be
// one.
func (m *Memory) Offset(p unsafe.Pointer) (int, bool) {
	b := int(uintptr(p)-uintptr(unsafe.Pointer(&m.buf[0]))) - m.base - Unit
	return b, b >= Unit && b < m.End && b%Unit == 0
}

// Walk yields all blocks in the order of their addresses. Offsets are those of their
// headers from the aligned start of the buffer.
func (m *Memory) Walk() iter.Seq[heapmap.Block] {
	return func(yield func(heapmap.Block) bool) {
		for b := Unit; b < m.End; b += m.Size(b) {
			if !yield(heapmap.Block{Offset: b, Size: m.Size(b), Used: m.IsUsed(b)}) {
				return
			}
		}
	}
}

// Map returns what the buffer is used for.
func (m *Memory) Map(title string) heapmap.Map {
	return heapmap.Of(title, unsafe.Pointer(&m.buf[m.base]), m.Walk())
}
