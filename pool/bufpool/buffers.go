package bufpool

import (
	"bytes"
	"math/bits"
	"sync"
	"sync/atomic"
)

// A Buffer is a [bytes.Buffer] of a [Buffers].
type Buffer struct {
	bytes.Buffer
	uses uint8 // counts its Puts
}

// Buffers keeps buffers whose size is not known beforehand. It learns from a share
// of what comes back: a new buffer has room for the median, and one with much more
// room than 95 in 100 need is dropped, so that a few giants do not stay. The zero
// value is ready; it must not be copied after its first use. All methods may be
// called concurrently.
type Buffers struct {
	kept sync.Pool // of *Buffer

	initial atomic.Int64 // capacity of new buffers; zero at first
	most    atomic.Int64 // capacity up to which a buffer is kept; zero for any

	counts  [sizes]atomic.Uint32 // uses by the length of their contents in bits
	samples atomic.Uint32        // their sum, about
}

const (
	sizes        = 64
	sampledShare = 8   // each buffer's uses of which one is counted
	calibrateAt  = 512 // samples
	leastKept    = 1 << 10
	mostInitial  = 1 << 20
)

// Get returns an empty buffer that is the caller's until Put.
func (p *Buffers) Get() *Buffer {
	if b, ok := p.kept.Get().(*Buffer); ok {
		return b
	}
	b := new(Buffer)
	if n := p.initial.Load(); n > 0 {
		b.Grow(int(n))
	}
	return b
}

// Put empties b and keeps it, unless it has become too large. It and its Bytes
// must not be used any more. A nil b is ignored.
func (p *Buffers) Put(b *Buffer) {
	if b == nil {
		return
	}
	if b.uses++; b.uses%sampledShare == 1 { // the first use too: a dropped buffer has no second
		p.sample(b.Len())
	}
	if most := p.most.Load(); most > 0 && int64(b.Cap()) > most {
		return
	}
	b.Reset()
	p.kept.Put(b)
}

func (p *Buffers) sample(n int) {
	p.counts[bits.Len(uint(n))].Add(1)
	if p.samples.Add(1) == calibrateAt { // one of all callers gets here
		p.calibrate()
		p.samples.Store(0)
	}
}

// calibrate sets the sizes by the uses since the last time. Uses that are counted
// meanwhile may be lost, which does no harm.
func (p *Buffers) calibrate() {
	var counts [sizes]uint32
	total := uint32(0)
	for i := range p.counts {
		counts[i] = p.counts[i].Swap(0)
		total += counts[i]
	}
	p.initial.Store(min(int64(1)<<quantile(counts, total/2), mostInitial))
	// Growing doubles, so that what needs n bytes may have room for twice that.
	p.most.Store(max(int64(2)<<quantile(counts, total-total/20), leastKept))
}

// quantile returns the length in bits that the first n uses do not exceed.
func quantile(counts [sizes]uint32, n uint32) (bits int64) {
	seen := uint32(0)
	for i, c := range counts[:sizes-2] {
		if seen += c; seen >= n {
			return int64(i)
		}
	}
	return sizes - 3
}
