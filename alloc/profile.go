package alloc

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/internal/engine"
	"github.com/groundwork-go/groundwork/alloc/internal/pprof"
)

// sampler is the checked of HeapOptions.ProfileRate: it remembers the call stacks
// of some blocks, chosen so that each byte has the same chance.
type sampler struct {
	e    *engine.Engine
	rate int

	// filter has a bit set for each sampled block, and for some others by chance:
	// where it is not, Free has nothing to look up.
	filter [filterBits / 64]atomic.Uint64

	mu     sync.Mutex
	live   map[uintptr]sampled // guarded by mu
	counts map[string]*siteCounts
}

const filterBits = 1 << 16

// sampled is a sampled block.
type sampled struct {
	site   *siteCounts
	blocks float64 // how many it stands for
	bytes  float64
}

// siteCounts are the sums for one call stack.
type siteCounts struct {
	stack                   []uintptr
	allocBlocks, allocBytes float64
	inuseBlocks, inuseBytes float64
}

func filterBit(u uintptr) (word, bit uint64) {
	h := uint64(u) * 0x9e3779b97f4a7c15 >> 48
	return h / 64, h % 64
}

func (s *sampler) alloc(n, align int) unsafe.Pointer {
	p := s.e.AllocAligned(n, align)
	if p == nil {
		return nil
	}
	// A block of n bytes is chosen if one of its bytes is.
	chance := -math.Expm1(-float64(n) / float64(s.rate))
	if rand.Float64() < chance {
		s.record(p, n, 1/chance)
	}
	return p
}

func (s *sampler) record(p unsafe.Pointer, n int, weight float64) {
	stack := callers()
	var key strings.Builder
	for _, pc := range stack {
		key.Write(unsafe.Slice((*byte)(unsafe.Pointer(&pc)), unsafe.Sizeof(pc)))
	}
	b := sampled{blocks: weight, bytes: weight * float64(n)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == nil {
		s.live, s.counts = make(map[uintptr]sampled), make(map[string]*siteCounts)
	}
	b.site = s.counts[key.String()]
	if b.site == nil {
		b.site = &siteCounts{stack: stack}
		s.counts[key.String()] = b.site
	}
	b.site.allocBlocks += b.blocks
	b.site.allocBytes += b.bytes
	b.site.inuseBlocks += b.blocks
	b.site.inuseBytes += b.bytes
	s.live[uintptr(p)] = b
	word, bit := filterBit(uintptr(p))
	s.filter[word].Or(1 << bit)
}

func (s *sampler) free(p unsafe.Pointer) error {
	if word, bit := filterBit(uintptr(p)); s.filter[word].Load()>>bit&1 != 0 {
		s.forget(uintptr(p))
	}
	return s.e.Free(p)
}

// forget removes a block. The bit stays while other blocks may have it; when there
// are no sampled blocks left, all bits go.
func (s *sampler) forget(u uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.live[u]
	if !ok {
		return
	}
	delete(s.live, u)
	b.site.inuseBlocks -= b.blocks
	b.site.inuseBytes -= b.bytes
	if len(s.live) == 0 {
		for i := range s.filter {
			s.filter[i].Store(0)
		}
	}
}

func (s *sampler) usable(p unsafe.Pointer) int { return s.e.UsableSize(p) }

// Profile writes which calls allocated how much, in the format of go tool pprof,
// with the sample types of Go's own heap profile. The error wraps [ErrConfig] if the
// heap has neither ProfileRate nor Debug.
func (h *Heap) Profile(w io.Writer) error {
	p := pprof.Profile{
		Types:  []pprof.Type{{Name: "alloc_objects", Unit: "count"}, {Name: "alloc_space", Unit: "bytes"}, {Name: "inuse_objects", Unit: "count"}, {Name: "inuse_space", Unit: "bytes"}},
		Period: 1, PeriodType: pprof.Type{Name: "space", Unit: "bytes"},
		Time: time.Now(), Omit: isOurs,
	}
	switch {
	case h.debug != nil:
		h.debug.eachLive(func(n int, stack []uintptr) {
			p.Samples = append(p.Samples, pprof.Sample{Stack: stack, Values: []int64{1, int64(n), 1, int64(n)}})
		})
	case h.sampler != nil:
		p.Period = int64(h.sampler.rate)
		h.sampler.mu.Lock()
		for _, c := range h.sampler.counts {
			p.Samples = append(p.Samples, pprof.Sample{Stack: c.stack, Values: []int64{
				round(c.allocBlocks), round(c.allocBytes), round(c.inuseBlocks), round(c.inuseBytes),
			}})
		}
		h.sampler.mu.Unlock()
	default:
		return fmt.Errorf("%w: Profile needs ProfileRate or Debug", ErrConfig)
	}
	return p.Write(w)
}

func round(f float64) int64 { return int64(math.Round(f)) }
