package ir

// slab hands out the parts of functions from chunks of them, so that a small function
// takes few allocations. What it has handed out stays as long as anything of its
// chunk is used. It also lends the passes, which run one after the other, memory
// that each would otherwise take anew. One goroutine uses it at a time.
type slab struct {
	values []Value
	blocks []Block
	ptrs   []*Value
	sites  []Site

	chunk int // of values, the next time

	order    []*Block // of postorder
	steps    []step
	todo     []*Value
	flags    []bool
	memories []memory
	known    table
	levels   []level
}

// Sizes of chunks, in values.
const (
	firstChunk = 16
	lastChunk  = 512
)

func (s *slab) value() *Value {
	if len(s.values) == 0 {
		s.chunk = min(max(firstChunk, 2*s.chunk), lastChunk)
		s.values = make([]Value, s.chunk)
	}
	v := &s.values[0]
	s.values = s.values[1:]
	return v
}

func (s *slab) block() *Block {
	if len(s.blocks) == 0 {
		s.blocks = make([]Block, max(8, s.chunk/4))
	}
	b := &s.blocks[0]
	s.blocks = s.blocks[1:]
	b.Succs, b.Preds = b.succs[:0], b.preds[:0]
	return b
}

// list returns an empty list with room for n values.
func (s *slab) list(n int) []*Value {
	if n > len(s.ptrs) {
		if n > 64 {
			return make([]*Value, 0, n)
		}
		s.ptrs = make([]*Value, max(64, 2*s.chunk))
	}
	l := s.ptrs[:0:n]
	s.ptrs = s.ptrs[n:]
	return l
}

func (s *slab) site(x Site) *Site {
	if len(s.sites) == 0 {
		s.sites = make([]Site, max(8, s.chunk/4))
	}
	p := &s.sites[0]
	s.sites = s.sites[1:]
	*p = x
	return p
}

// bools returns n flags that are false. They are lent until the next call.
func (s *slab) bools(n int) []bool {
	if n > cap(s.flags) {
		s.flags = make([]bool, n+n/2)
	}
	f := s.flags[:n]
	clear(f)
	return f
}
