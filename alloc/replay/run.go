package replay

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
)

// Options tune Run. Nil means the defaults.
type Options struct {
	// MaxLive bounds the bytes that are allocated at once: what is beyond counts as
	// failed. Zero means 1 GiB.
	MaxLive int64

	// Parallel runs each worker of the trace in a goroutine of its own when time is
	// taken. The Allocator must be safe for concurrent use.
	Parallel bool

	// AtPeak, if not nil, is called when more bytes are live than ever before, though
	// not for steps below a 64th: the last call is near the peak.
	AtPeak func()
}

// A Report tells how an Allocator did.
type Report struct {
	Name   string // not set by Run
	Allocs int64
	Frees  int64
	Failed int64 // allocations that got no memory

	Time time.Duration // of all calls, without the check of the content

	PeakLive     int64   // most bytes asked for and not freed
	PeakBlocks   int64   // blocks at that moment
	PeakReserved int64   // most bytes taken from the system or given by the user
	Internal     float64 // share of the live blocks that was not asked for, at the peak
	External     float64 // share of the free memory that is not in its longest run, then
	Overhead     float64 // least of Resident and Reserved, over PeakLive, at the peak; less 1
}

// A ContentError tells that a block lost its content.
type ContentError struct {
	Event, Block int // indices in the trace
	Offset       int // of the first wrong byte
}

// Error tells which.
func (e *ContentError) Error() string {
	return fmt.Sprintf("replay: event %d: byte %d of block %d was overwritten", e.Event, e.Offset, e.Block)
}

// Run replays a trace twice: once to fill each block with bytes of its own, check
// that they are there when it is freed, and look at the counters; and once to take
// the time. The Allocator is left with no block of the trace. The errors are a
// [*ContentError], those of Free, and ctx's.
func Run(ctx context.Context, t *Trace, a alloc.Allocator, o *Options) (Report, error) {
	if o == nil {
		o = &Options{}
	}
	r := &runner{ctx: ctx, t: t, a: a, maxLive: o.MaxLive, atPeak: o.AtPeak}
	if r.maxLive == 0 {
		r.maxLive = 1 << 30
	}
	if err := r.check(); err != nil {
		return r.report, err
	}
	var err error
	if o.Parallel && t.Workers > 1 {
		err = r.timeParallel()
	} else {
		err = r.time()
	}
	return r.report, err
}

type runner struct {
	ctx     context.Context
	t       *Trace
	a       alloc.Allocator
	maxLive int64
	atPeak  func()
	report  Report

	blocks []unsafe.Pointer // by number; nil: not allocated
	sizes  []int
	skip   []bool // by number: the check found no room for it
}

// every is how many events pass between looks at the context.
const every = 1 << 12

// word is what a block is filled with from byte i on, i a multiple of 8.
func word(block uint32, i int) uint64 {
	x := (uint64(block)<<24 + uint64(i)) * 0x9e3779b97f4a7c15
	return x ^ x>>29
}

func fill(b []byte, block uint32) {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		*(*uint64)(unsafe.Pointer(&b[i])) = word(block, i)
	}
	for ; i < len(b); i++ {
		b[i] = byte(word(block, i&^7) >> (i % 8 * 8))
	}
}

// wrong returns the offset of the first byte that fill did not write, or -1.
func wrong(b []byte, block uint32) int {
	i := 0
	for ; i+8 <= len(b) && *(*uint64)(unsafe.Pointer(&b[i])) == word(block, i); i += 8 {
	}
	for ; i < len(b); i++ {
		if b[i] != byte(word(block, i&^7)>>(i%8*8)) {
			return i
		}
	}
	return -1
}

func (r *runner) check() error {
	r.blocks, r.sizes = make([]unsafe.Pointer, r.t.Blocks), make([]int, r.t.Blocks)
	r.skip = make([]bool, r.t.Blocks)
	var live, count, sampled int64
	for i, e := range r.t.Events {
		if i%every == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		if e.Size == 0 {
			n := r.sizes[e.Block]
			if err := r.verify(i, e.Block); err != nil {
				return err
			}
			if n > 0 {
				live, count = live-int64(n), count-1
			}
			continue
		}
		var p unsafe.Pointer
		if int64(e.Size) <= r.maxLive-live {
			p = r.a.Alloc(e.Size)
		}
		if p == nil {
			r.report.Failed++
			r.skip[e.Block] = true
			continue
		}
		r.report.Allocs++
		r.blocks[e.Block], r.sizes[e.Block] = p, e.Size
		fill(unsafe.Slice((*byte)(p), e.Size), e.Block)
		live, count = live+int64(e.Size), count+1
		if live > r.report.PeakLive {
			r.report.PeakLive, r.report.PeakBlocks = live, count
		}
		// Looking at the counters takes time, so small steps are passed over.
		if live > sampled+sampled/64 {
			sampled = live
			r.sample(live)
			if r.atPeak != nil {
				r.atPeak()
			}
		}
	}
	for b := range r.blocks {
		if err := r.verify(len(r.t.Events), uint32(b)); err != nil {
			return err
		}
	}
	return nil
}

// verify checks and frees a block, if it is allocated.
func (r *runner) verify(event int, b uint32) error {
	n := r.sizes[b]
	if n == 0 {
		return nil
	}
	if at := wrong(unsafe.Slice((*byte)(r.blocks[b]), n), b); at >= 0 {
		return &ContentError{event, int(b), at}
	}
	r.report.Frees++
	r.sizes[b] = 0
	if err := r.a.Free(r.blocks[b]); err != nil {
		return fmt.Errorf("replay: event %d: free block %d: %w", event, b, err)
	}
	return nil
}

// sample looks at the counters when the most bytes so far are live.
func (r *runner) sample(live int64) {
	s := r.a.Stats()
	r.report.PeakReserved = max(r.report.PeakReserved, s.Reserved)
	s.Requested = live
	r.report.Internal, r.report.External = s.Internal(), s.External()
	if s.Resident == 0 {
		s.Resident = s.Reserved
	}
	r.report.Overhead = float64(s.Resident)/float64(live) - 1
}

func (r *runner) time() error {
	clear(r.blocks)
	start := time.Now()
	for i, e := range r.t.Events {
		if i%every == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		if r.skip[e.Block] {
			continue
		}
		if e.Size == 0 {
			if err := r.a.Free(r.blocks[e.Block]); err != nil {
				return fmt.Errorf("replay: event %d: free block %d: %w", i, e.Block, err)
			}
			r.blocks[e.Block] = nil
			continue
		}
		p := r.a.Alloc(e.Size)
		if p != nil {
			*(*byte)(p) = 1
		}
		r.blocks[e.Block] = p
	}
	r.report.Time = time.Since(start)
	return r.freeRest()
}

func (r *runner) freeRest() error {
	for b, p := range r.blocks {
		if err := r.a.Free(p); err != nil {
			return fmt.Errorf("replay: free block %d: %w", b, err)
		}
	}
	return nil
}

// timeParallel has a goroutine for each worker. A free waits until the block was
// allocated, which comes before it in the trace, so somebody can always go on.
func (r *runner) timeParallel() error {
	const pending, failed = 0, 1 // states of a block that has no address
	blocks := make([]atomic.Uintptr, r.t.Blocks)
	events := make([][]Event, r.t.Workers)
	for _, e := range r.t.Events {
		events[e.Worker] = append(events[e.Worker], e)
	}
	errs := make([]error, r.t.Workers)
	var stop atomic.Bool
	var wg sync.WaitGroup
	start := time.Now()
	for w := range events {
		wg.Go(func() {
			for i, e := range events[w] {
				if i%every == 0 && r.ctx.Err() != nil {
					errs[w] = r.ctx.Err()
				}
				if e.Size > 0 {
					p := uintptr(failed)
					if !r.skip[e.Block] {
						if b := r.a.Alloc(e.Size); b != nil {
							*(*byte)(b) = 1
							p = uintptr(b)
						}
					}
					blocks[e.Block].Store(p)
					continue
				}
				p := blocks[e.Block].Load()
				for ; p == pending && !stop.Load(); p = blocks[e.Block].Load() {
					runtime.Gosched()
				}
				if p > failed && errs[w] == nil {
					errs[w] = r.a.Free(pointerTo(p))
				}
				if errs[w] != nil {
					stop.Store(true)
					return
				}
				blocks[e.Block].Store(failed)
			}
		})
	}
	wg.Wait()
	r.report.Time = time.Since(start)
	for b := range blocks {
		r.blocks[b] = nil
		if p := blocks[b].Load(); p > failed {
			r.blocks[b] = pointerTo(p)
		}
	}
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
	}
	return r.freeRest()
}

// pointerTo makes a pointer of an address outside of Go's heap.
func pointerTo(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// WriteTable prints reports, one a line.
func WriteTable(w io.Writer, reports []Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "allocator\tns/call\tfailed\tpeak live\tpeak reserved\tinternal\texternal\toverhead\t")
	for _, r := range reports {
		calls := max(r.Allocs+r.Frees, 1)
		fmt.Fprintf(t, "%s\t%.1f\t%d\t%d\t%d\t%.1f%%\t%.1f%%\t%.1f%%\t\n", r.Name, float64(r.Time)/float64(calls), r.Failed,
			r.PeakLive, r.PeakReserved, 100*r.Internal, 100*r.External, 100*r.Overhead)
	}
	return t.Flush()
}
