package table

import "sync"

// A Pool hands out whole chunks, cut from blocks for which the system is asked to
// use large pages: records are looked up by chance, and with pages of 4 KiB each
// look-up would cost a walk through the page tables as well (BenchmarkParallel of
// the root package: a third of the time). The zero Pool is ready; its methods may be
// called concurrently.
type Pool struct {
	mu   sync.Mutex
	free [][]byte // guarded by mu; chunks that were given back
	rest []byte   // guarded by mu; of the last block
	next int      // guarded by mu; length of the next block
}

const (
	firstBlock = 4 << 20
	lastBlock  = 64 << 20
	hugePage   = 2 << 20
)

// get returns a chunk, which is not clear.
func (p *Pool) get() []byte {
	if p == nil {
		return make([]byte, chunkSize)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.free) - 1; last >= 0 {
		c := p.free[last]
		p.free[last] = nil
		p.free = p.free[:last]
		return c
	}
	if len(p.rest) < chunkSize {
		p.next = min(max(2*p.next, firstBlock), lastBlock)
		p.rest = make([]byte, p.next)
		useHugePages(p.rest)
	}
	c := p.rest[:chunkSize:chunkSize]
	p.rest = p.rest[chunkSize:]
	return c
}

// put takes back chunks that nobody refers to any more. Those of a table that is
// simply forgotten are the garbage collector's.
func (p *Pool) put(chunks [][]byte) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range chunks {
		if len(c) == chunkSize {
			p.free = append(p.free, c)
		}
	}
}
