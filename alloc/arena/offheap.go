package arena

import (
	"errors"
	"fmt"
	"os"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

// newChunk returns a chunk of size bytes.
func (a *Arena) newChunk(size int) (chunk, error) {
	if !a.o.OffHeap {
		return onHeap(size)
	}
	get := sysmem.Map
	if a.o.Debug {
		get = sysmem.MapReal
	}
	r, err := get(sysmem.RoundUp(size), os.Getpagesize())
	if err != nil {
		return chunk{}, err
	}
	return chunk{mem: r.Mem[:size], region: r}, nil
}

// canProtect returns an error if the system has no protection of memory.
func canProtect() error {
	r, err := sysmem.MapReal(os.Getpagesize(), os.Getpagesize())
	if err != nil {
		return fmt.Errorf("arena: %w: %v", alloc.ErrNoMemory, err)
	}
	if err := errors.Join(sysmem.Protect(r.Mem, false), r.Unmap()); err != nil {
		return fmt.Errorf("arena: Debug: %w: %v", alloc.ErrConfig, err)
	}
	return nil
}

// seal ends the current chunk where it is allocated, and returns the index of the
// chunk in which the next allocation will be.
func (a *Arena) seal() int {
	switch {
	case len(a.chunks) == 0:
		return 0
	case a.off() == 0:
		return a.cur
	}
	next := a.cur + 1
	c := &a.chunks[a.cur]
	a.total -= len(c.mem) - int(a.off())
	c.mem = c.mem[:a.off()]
	a.end = a.next
	a.refill()
	return next
}

// refill gives an arena that does not grow a chunk for what is left of its size.
func (a *Arena) refill() {
	if left := a.o.Chunk - a.total; !a.o.Growing && left > 0 {
		// Without memory the arena is full, which is what the next Alloc says.
		if c, err := a.newChunk(left); err == nil {
			a.use(c)
		}
	}
}

// bury makes the chunks from one on inaccessible.
func (a *Arena) bury(from int) {
	for i, c := range a.chunks[from:] {
		a.grave.add(c)
		a.total -= len(c.mem)
		if from+i < a.cur {
			a.before -= c.used
		}
	}
	a.chunks = a.chunks[:from]
	if from == 0 {
		a.leave()
	} else if from <= a.cur {
		a.enter(from-1, uintptr(len(a.chunks[from-1].mem)))
		a.before -= a.chunks[a.cur].used
	}
	a.refill()
}

// grave holds chunks whose memory cannot be accessed and was given back. Their
// addresses are not used for anything else until it has more than maxGrave bytes.
type grave struct {
	chunks []chunk
	bytes  int
}

const maxGrave = 1 << 30

func (g *grave) add(c chunk) {
	whole := c.region.Mem
	sysmem.Discard(whole)
	if err := sysmem.Protect(whole, false); err != nil {
		panic(fmt.Sprintf("arena: %v", err)) // nothing else notices a wrong access
	}
	g.chunks = append(g.chunks, c)
	for g.bytes += len(whole); g.bytes > maxGrave; g.chunks = g.chunks[1:] {
		oldest := g.chunks[0].region
		g.bytes -= len(oldest.Mem)
		if err := oldest.Unmap(); err != nil {
			panic(fmt.Sprintf("arena: %v", err)) // only a bug of this package makes the system refuse
		}
	}
}

func (g *grave) close() error {
	var errs []error
	for _, c := range g.chunks {
		errs = append(errs, c.region.Unmap())
	}
	g.chunks, g.bytes = nil, 0
	return errors.Join(errs...)
}
