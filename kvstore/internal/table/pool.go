package table

import (
	"math/bits"
	"sync"
	"unsafe"
)

// A Pool hands out memory in runs of whole chunks, one, two, four and so on, cut from
// blocks for which the system is asked to use large pages: groups and records are
// looked up by chance, and with pages of 4 KiB each look-up would cost a walk through
// the page tables as well (BenchmarkParallel of the root package: a third of the time).
// The zero Pool is ready; its methods may be called concurrently.
type Pool struct {
	mu   sync.Mutex
	free [32][][]byte // guarded by mu; runs that were given back, by the logarithm of their length in chunks
	rest []byte       // guarded by mu; of the last block, clear
	next int          // guarded by mu; length of the next block
	none []byte       // guarded by mu; a chunk of zeros
}

const (
	firstBlock = 4 << 20
	lastBlock  = 64 << 20
	hugePage   = 2 << 20
)

// get returns a chunk, which is not clear if it was used before.
func (p *Pool) get() (b []byte, used bool) { return p.take(0) }

// nothing returns the beginning of a chunk of zeros.
func (p *Pool) nothing() *byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.none == nil {
		p.none = make([]byte, chunkSize+minRoom)
	}
	return unsafe.SliceData(p.none)
}

// groups returns 1<<bits empty groups. Few are not worth a run of their own.
func (p *Pool) groups(bits uint) []group {
	n := 1 << bits
	if p == nil || n < groupsPerChunk {
		return make([]group, n)
	}
	b, used := p.take(int(bits) - groupsPerChunkBits)
	if used {
		clear(b)
	}
	return unsafe.Slice((*group)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

const (
	groupsPerChunkBits = chunkBits + unitBits - groupBits
	groupsPerChunk     = 1 << groupsPerChunkBits
)

// take returns a run of 1<<order chunks, which may have been used before.
func (p *Pool) take(order int) (b []byte, used bool) {
	size := chunkSize << order
	if p == nil {
		return make([]byte, size+minRoom)[:size:size], false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for o := order; o < len(p.free); o++ {
		last := len(p.free[o]) - 1
		if last < 0 {
			continue
		}
		b = p.free[o][last]
		p.free[o][last] = nil
		p.free[o] = p.free[o][:last]
		p.giveBack(b[size:])
		return b[:size:size], true
	}
	if len(p.rest) < size {
		p.giveBack(p.rest)
		p.next = max(min(max(2*p.next, firstBlock), lastBlock), size)
		p.rest = newBlock(p.next)
	}
	b = p.rest[:size:size]
	p.rest = p.rest[size:]
	return b, false
}

// newBlock returns a block that large pages can cover whole. Layouts need minRoom
// behind it.
func newBlock(n int) []byte {
	b := make([]byte, n+hugePage+minRoom) // what is left over is never written to
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugePage - 1))
	b = b[skip : skip+n : skip+n]
	useHugePages(b)
	return b
}

// giveBack cuts memory into runs and keeps them.
func (p *Pool) giveBack(b []byte) {
	for len(b) >= chunkSize {
		order := bits.Len(uint(len(b)/chunkSize)) - 1
		size := chunkSize << order
		p.free[order] = append(p.free[order], b[:size:size])
		b = b[size:]
	}
}

// put takes back chunks that nobody refers to any more, but for those who read them
// without a lock and find out. Those of a table that is simply forgotten are the
// garbage collector's.
func (p *Pool) put(chunks [][]byte) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range chunks {
		if len(c) == chunkSize {
			p.free[0] = append(p.free[0], c)
		}
	}
}

// putGroups takes back what groups returned, likewise.
func (p *Pool) putGroups(g []group) {
	if p == nil || len(g) < groupsPerChunk {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.giveBack(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(g))), len(g)*groupSize))
}
