package engine

import (
	"math/bits"
	"os"

	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

// Stats is a snapshot of an Engine, exact if nobody uses the heap meanwhile.
type Stats struct {
	Live, Blocks  int64 // of allocated blocks: usable bytes, number
	Requested     int64 // what was asked for when these were allocated, estimated from samples
	Allocs, Frees int64
	Failed        int64
	Reserved      int64 // bytes from the system
	Resident      int64 // of these, the bytes that were touched, to whole system pages
	Cached        int64 // bytes of free blocks on pages that Locals own
	FreeBlocks    int64 // bytes of free blocks, those cached included, that were touched
	FreeSlices    int64 // bytes of free runs in segments
	LargestFree   int64 // bytes of the longest of these
	Segments      int
	Large         int64 // blocks that are mappings of their own
	Classes       [NumClasses + 1]ClassStats
}

// ClassStats are about the blocks of one size, or those that are whole pages.
type ClassStats struct {
	Size          int
	Pages         int
	Blocks, Bytes int64 // allocated
	Allocs        int64 // ever
}

// samples are about the sizes that were asked for, by class, when a page ran out: a
// random few of all calls. Each Local has its own: threads that write to the same
// ones would wait for each other's caches.
type samples [NumClasses]sample

type sample struct{ calls, bytes int64 }

func (s *sample) add(n int) {
	s.calls++
	s.bytes += int64(n)
}

// take adds others, which their owner may be changing.
//
//go:norace
func (s *samples) take(others *samples) {
	for c := range s {
		s[c].calls += others[c].calls
		s[c].bytes += others[c].bytes
	}
}

// eachLocal calls visit with each Local that somebody may be using. e.mu is held.
func (e *Engine) eachLocal(visit func(*Local)) {
	for i := range e.threads.slots {
		if l := e.threads.slots[i].Load(); l != &e.threads.nobody {
			visit(l)
		}
	}
	for l := range e.locals {
		visit(l)
	}
}

// asked returns the samples of all Locals. e.mu is held.
func (e *Engine) asked() *samples {
	sum := e.samples
	e.eachLocal(func(l *Local) { sum.take(&l.samples) })
	return &sum
}

// Stats returns a snapshot. It takes time in proportion to the number of pages.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.statsLocked()
}

func (e *Engine) statsLocked() Stats {
	var s Stats
	for c := range s.Classes {
		k := &s.Classes[c]
		if c < NumClasses {
			k.Size = ClassSize(c)
		}
		k.Allocs = int64(e.retired[c])
	}
	for _, seg := range e.pages.segments {
		if seg == nil {
			continue
		}
		s.Segments++
		s.Resident += seg.headerBytes()
		s.Resident += int64(bits.OnesCount64(seg.dirty&^seg.used)) * sliceSize
		s.FreeSlices += int64(bits.OnesCount64(^seg.used)) * sliceSize
		s.LargestFree = max(s.LargestFree, int64(longestRun(^seg.used))*sliceSize)
		seg.eachPage(s.addPage)
	}
	e.eachLocal(s.addStashes)
	asked := e.asked()
	for c := range s.Classes {
		s.Allocs += s.Classes[c].Allocs
		s.Live += s.Classes[c].Bytes
		s.Blocks += s.Classes[c].Blocks
		s.Requested += s.Classes[c].Bytes
		if c < NumClasses {
			if calls := asked[c].calls; calls > 0 {
				mean := float64(asked[c].bytes) / float64(calls)
				s.Requested -= s.Classes[c].Blocks*int64(ClassSize(c)) - int64(mean*float64(s.Classes[c].Blocks))
			}
		}
	}
	s.Requested += e.large.live
	s.Large = int64(len(e.large.blocks))
	s.Blocks += s.Large
	s.Live += e.large.live
	s.Resident += e.large.live
	s.Allocs += e.large.allocs
	s.Frees = s.Allocs - s.Blocks
	s.Failed = e.failed.Load()
	s.Reserved = e.pages.reserved
	return s
}

// headerBytes returns how many bytes of headers were touched, to whole system pages,
// if the segment never had more pages than now.
func (s *segment) headerBytes() int64 {
	n := sysmem.RoundUp((firstSmall + bits.Len64(s.small)*smallLines) << lineShift)
	if s.large != 0 {
		first := firstLarge << lineShift &^ (os.Getpagesize() - 1)
		n += sysmem.RoundUp((firstLarge+bits.Len64(s.large)*largeLines)<<lineShift - first)
	}
	return int64(n)
}

func (s *segment) eachPage(visit func(s *segment, pg *page)) {
	for i := headerSlices; i < numSlices; {
		if s.used>>i&1 == 0 {
			i++
			continue
		}
		pg := s.page(i)
		visit(s, pg)
		i += int(pg.slices)
	}
}

// addPage reads what the owner of the page may be writing: words that are each
// whole, though they may not belong to the same moment.
//
//go:norace
func (s *Stats) addPage(seg *segment, pg *page) {
	live := pg.liveNow()
	k := &s.Classes[pg.class]
	k.Pages++
	k.Allocs += int64(pg.allocs)
	k.Blocks += live
	k.Bytes += live * int64(pg.size)
	touched := int64(pg.fresh) * int64(pg.size)
	if pg.class == classBig {
		touched = int64(pg.size)
	}
	idle := touched - live*int64(pg.size)
	s.FreeBlocks += idle
	if pg.owner.Load() != 0 {
		s.Cached += idle
	}
	// Slices that were dirty before are resident whether or not blocks of this page
	// have touched them.
	i, n := int(pg.index), int(pg.slices)
	warm := int64(bits.OnesCount64(seg.dirty&mask(i, n))) * sliceSize
	page := int64(os.Getpagesize())
	s.Resident += max(warm, (touched+page-1)&^(page-1))
}

// addStashes counts the blocks in stashes, which are allocated to their pages, as
// free. Their owner may be changing them.
//
//go:norace
func (s *Stats) addStashes(l *Local) {
	for c := range NumClasses {
		k, stash := &s.Classes[c], &l.stashes[c]
		bytes := int64(stash.n) * int64(ClassSize(c))
		k.Allocs += int64(stash.allocs)
		k.Blocks -= int64(stash.n)
		k.Bytes -= bytes
		s.FreeBlocks += bytes
		s.Cached += bytes
	}
}

// A Span is a run of slices, or a mapping of its own.
type Span struct {
	Start         uintptr
	Size          int64
	Block         int   // bytes of each block; 0: free
	Live          int64 // bytes in allocated blocks
	Blocks        int64
	Dirty, Cached bool
}

// Spans returns what the heap's memory is used for, segment by segment, in the
// order of addresses within each.
func (e *Engine) Spans() []Span {
	e.mu.Lock()
	defer e.mu.Unlock()
	var spans []Span
	for _, s := range e.pages.segments {
		if s == nil {
			continue
		}
		spans = append(spans, Span{Start: s.region.Base(), Size: int64(headerSlices) * sliceSize, Block: sliceSize, Live: int64(headerSlices) * sliceSize, Dirty: true})
		for i := headerSlices; i < numSlices; {
			var sp Span
			if s.used>>i&1 != 0 {
				sp = s.page(i).span()
			} else {
				n := bits.TrailingZeros64((s.used >> i) | 1<<(numSlices-i))
				dirty := s.dirty>>i&1 != 0
				if same := bits.TrailingZeros64(((s.dirty >> i) ^ -b2u(dirty)) | 1<<(numSlices-i)); same < n {
					n = same
				}
				sp = Span{Size: int64(n) * sliceSize, Dirty: dirty}
			}
			sp.Start = s.region.Base() + uintptr(i)*sliceSize
			spans = append(spans, sp)
			i += int(sp.Size / sliceSize)
		}
	}
	for base, r := range e.large.blocks {
		n := int64(len(r.Mem))
		spans = append(spans, Span{Start: base, Size: n, Block: int(n), Live: n, Blocks: 1, Dirty: true})
	}
	return spans
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// liveNow returns the number of allocated blocks, as far as it can be told while
// others may be at work.
//
//go:norace
func (p *page) liveNow() int64 {
	return int64(p.fresh) - int64(p.unused())
}

// span reads what the owner of the page may be writing, as addPage does.
//
//go:norace
func (p *page) span() Span {
	live := p.liveNow()
	return Span{
		Size: int64(p.slices) * sliceSize, Block: int(p.size), Live: live * int64(p.size), Blocks: live,
		Dirty: true, Cached: p.owner.Load() != 0,
	}
}
