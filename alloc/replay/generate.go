package replay

import "math/rand/v2"

// A builder makes a trace event by event.
type builder struct {
	t Trace
	r *rand.Rand
}

func newBuilder(seed uint64, workers, ops int) *builder {
	b := &builder{r: rand.New(rand.NewPCG(seed, 0x6777))}
	b.t.Workers = workers
	b.t.Events = make([]Event, 0, min(max(ops, 0), MaxEvents))
	return b
}

func (b *builder) alloc(worker, size int) uint32 {
	block := uint32(b.t.Blocks)
	b.t.Events = append(b.t.Events, Event{size, block, uint32(worker)})
	b.t.Blocks++
	return block
}

func (b *builder) free(worker int, block uint32) {
	b.t.Events = append(b.t.Events, Event{0, block, uint32(worker)})
}

// logUniform returns a size from lo to 2^doublings*lo-1, each doubling as likely as
// any other.
func (b *builder) logUniform(lo, doublings int) int {
	class := lo << b.r.IntN(doublings)
	return class + b.r.IntN(class)
}

// Larson is a server (Larson and Krishnan, "Memory Allocation for Long-Running
// Server Applications", 1998): each worker replaces random ones of 1000 blocks of 8
// to 1008 bytes, and after each 10,000 passes all its blocks to the next worker. It
// has about ops events.
func Larson(seed uint64, workers, ops int) *Trace {
	const slots, round = 1000, 10_000
	workers = min(max(workers, 1), MaxWorkers)
	b := newBuilder(seed, workers, ops)
	const none = ^uint32(0)
	sets := make([][slots]uint32, workers)
	for i := range sets {
		for k := range sets[i] {
			sets[i][k] = none
		}
	}
	for turn := 0; len(b.t.Events) < ops; turn++ {
		worker := turn % workers
		set := &sets[(worker+turn/workers/round)%workers]
		slot := &set[b.r.IntN(slots)]
		if *slot != none {
			b.free(worker, *slot)
		}
		*slot = b.alloc(worker, 8+b.r.IntN(1001))
	}
	return &b.t
}

// ProducerConsumer has worker 0 allocate blocks of one size, and worker 1 free them,
// oldest first, at most 4096 later.
func ProducerConsumer(seed uint64, size, ops int) *Trace {
	b := newBuilder(seed, 2, ops)
	freed := 0
	for len(b.t.Events) < ops {
		for range 1 + b.r.IntN(128) {
			b.alloc(0, max(size, 1))
		}
		keep := b.r.IntN(4096)
		for ; b.t.Blocks-freed > keep; freed++ {
			b.free(1, uint32(freed))
		}
	}
	return &b.t
}

// Sh6 is much like MicroQuill's SmartHeap benchmark of that name: small blocks, most
// of them very small, allocated in runs, of which some are freed in the order of
// their allocation, some in the other one, and some much later.
func Sh6(seed uint64, ops int) *Trace {
	b := newBuilder(seed, 1, ops)
	var late []uint32
	for len(b.t.Events) < ops {
		run := make([]uint32, 1+b.r.IntN(100))
		size := 1 + b.r.IntN(1+b.r.IntN(1+b.r.IntN(1000)))
		for i := range run {
			run[i] = b.alloc(0, size)
		}
		switch b.r.IntN(3) {
		case 0:
			for _, block := range run {
				b.free(0, block)
			}
		case 1:
			for i := range run {
				b.free(0, run[len(run)-1-i])
			}
		default:
			late = append(late, run...)
		}
		for len(late) > 5000 {
			i := b.r.IntN(len(late))
			b.free(0, late[i])
			late[i] = late[len(late)-1]
			late = late[:len(late)-1]
		}
	}
	return &b.t
}

// Churn fills up to about live bytes with blocks of 16 to 16383 bytes, each doubling
// of the size as likely as any other, and then replaces random ones.
func Churn(seed uint64, live, ops int) *Trace {
	b := newBuilder(seed, 1, ops)
	var blocks []uint32
	for bytes := 0; bytes < live && len(b.t.Events) < ops; {
		n := b.logUniform(16, 10)
		blocks = append(blocks, b.alloc(0, n))
		bytes += n
	}
	for len(b.t.Events) < ops && len(blocks) > 0 {
		i := b.r.IntN(len(blocks))
		b.free(0, blocks[i])
		blocks[i] = b.alloc(0, b.logUniform(16, 10))
	}
	return &b.t
}
