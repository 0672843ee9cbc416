package slab_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/internal/alloctest"
	"github.com/groundwork-go/groundwork/alloc/slab"
)

var _ alloc.Allocator = (*slab.Raw)(nil)

type object struct {
	id   uint64
	body [10]uint64
}

func (o *object) fill(id uint64) {
	o.id = id
	for i := range o.body {
		o.body[i] = id + uint64(i)
	}
}

func (o *object) intact(id uint64) bool {
	want := object{}
	want.fill(id)
	return *o == want
}

// churn compares a cache with a map.
func churn(t *testing.T, c *slab.Cache[object], r *rand.Rand, ops int) {
	live := map[*object]uint64{}
	var order []*object
	for i := range ops {
		if r.IntN(100) == 0 {
			c.Reap()
		}
		if r.IntN(2) == 0 || len(order) == 0 {
			o, err := c.Get()
			if err != nil {
				require.ErrorIs(t, err, alloc.ErrNoMemory)
				continue
			}
			require.NotContains(t, live, o)
			live[o] = uint64(i) << 8
			o.fill(live[o])
			order = append(order, o)
			continue
		}
		k := r.IntN(len(order))
		o := order[k]
		require.True(t, o.intact(live[o]))
		require.NoError(t, c.Put(o))
		require.Error(t, c.Put(o))
		delete(live, o)
		order[k] = order[len(order)-1]
		order = order[:len(order)-1]
	}
	s := c.Stats()
	require.EqualValues(t, len(live), s.Blocks)
	require.Equal(t, s.Allocs-s.Frees, s.Blocks)
	require.GreaterOrEqual(t, (s.Partial+s.Full)*s.PerSlab, len(live))
	for o, id := range live {
		require.True(t, o.intact(id))
		require.NoError(t, c.Put(o))
	}
	s = c.Stats()
	require.Zero(t, s.Partial+s.Full)
	require.Zero(t, s.Blocks)
}

func TestRandomOperations(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	h, err := alloc.NewHeap(nil)
	require.NoError(t, err)
	for name, o := range map[string]*slab.Options[object]{
		"own heap": nil, "heap": {Heap: h, MaxEmpty: -1}, "small slabs": {Heap: h, SlabSize: 256, MaxEmpty: 2},
		"buffer": {Buffer: make([]byte, 60_000), SlabSize: 4096},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := slab.New(o)
			require.NoError(t, err)
			churn(t, c, r, 5000)
			require.NoError(t, c.Close())
		})
	}
	require.Zero(t, h.Stats().Blocks)
	require.NoError(t, h.Close())
}

func FuzzOperations(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint16(10_000), int8(0))
	f.Add(uint64(2), uint8(4), uint16(300), int8(-1))
	f.Fuzz(func(t *testing.T, seed uint64, shift uint8, size uint16, maxEmpty int8) {
		c, err := slab.New(&slab.Options[object]{Buffer: make([]byte, size), SlabSize: 1 << (shift % 18), MaxEmpty: int(maxEmpty)})
		if err != nil {
			require.ErrorIs(t, err, alloc.ErrConfig)
			return
		}
		churn(t, c, rand.New(rand.NewPCG(seed, 1)), 300)
		require.NoError(t, c.Close())
	})
}

func TestObjectsStayConstructed(t *testing.T) {
	made, gone := 0, 0
	c, err := slab.New(&slab.Options[object]{
		Construct: func(o *object) { o.id = 7; made++ },
		Destroy:   func(o *object) { gone++ },
	})
	require.NoError(t, err)
	o, err := c.Get()
	require.NoError(t, err)
	require.Equal(t, object{id: 7}, *o)
	perSlab := c.Stats().PerSlab
	require.Equal(t, perSlab, made)
	o.body[3] = 9
	require.NoError(t, c.Put(o))
	again, err := c.Get()
	require.NoError(t, err)
	require.Equal(t, o, again)
	require.EqualValues(t, 9, again.body[3], "as it was put back")
	require.Equal(t, perSlab, made)
	require.Zero(t, c.Reap())
	require.NoError(t, c.Put(again))
	require.Equal(t, 16<<10, c.Reap())
	require.Equal(t, perSlab, gone)
	require.NoError(t, c.Close())
}

func TestSlabsMoveBetweenTheLists(t *testing.T) {
	c, err := slab.New(&slab.Options[object]{Buffer: make([]byte, 8<<10), SlabSize: 1 << 10})
	require.NoError(t, err)
	var all []*object
	perSlab := c.Stats().PerSlab
	for range 2 * perSlab {
		o, err := c.Get()
		require.NoError(t, err)
		all = append(all, o)
	}
	count := func() [3]int { s := c.Stats(); return [3]int{s.Partial, s.Full, s.Empty} }
	require.Equal(t, [3]int{0, 2, 0}, count())
	require.NoError(t, c.Put(all[0]))
	require.Equal(t, [3]int{1, 1, 0}, count())
	for _, o := range all[1:perSlab] {
		require.NoError(t, c.Put(o))
	}
	require.Equal(t, [3]int{0, 1, 1}, count())
	var leak *alloc.LeakError
	require.ErrorAs(t, c.Close(), &leak)
	require.EqualValues(t, perSlab, leak.Blocks)
	require.NoError(t, c.Close())
	_, err = c.Get()
	require.ErrorIs(t, err, alloc.ErrClosed)
	require.ErrorIs(t, c.Put(all[1]), alloc.ErrClosed)
}

func TestSlabsHaveColours(t *testing.T) {
	c, err := slab.New[[600]byte](&slab.Options[[600]byte]{SlabSize: 4096})
	require.NoError(t, err)
	require.Equal(t, 6, c.Stats().PerSlab)
	require.Greater(t, c.Stats().Colours, 4)
	seen := map[uintptr]bool{}
	var all []*[600]byte
	for range 6 * c.Stats().Colours {
		p, err := c.Get()
		require.NoError(t, err)
		if all = append(all, p); len(all)%6 == 1 {
			seen[uintptr(unsafe.Pointer(p))%4096] = true
		}
	}
	require.Len(t, seen, c.Stats().Colours)
	for _, p := range all {
		require.NoError(t, c.Put(p))
	}
	require.NoError(t, c.Close())
}

func TestBadCalls(t *testing.T) {
	_, err := slab.New[struct{ s *int }](nil)
	require.ErrorIs(t, err, alloc.ErrPointers)
	for _, o := range []slab.Options[object]{{SlabSize: 1000}, {SlabSize: -4096}, {SlabSize: 64}, {Buffer: make([]byte, 100)}} {
		_, err := slab.New(&o)
		require.ErrorIs(t, err, alloc.ErrConfig)
	}
	h, err := alloc.NewHeap(&alloc.HeapOptions{Limit: 1})
	require.NoError(t, err)
	c, err := slab.New(&slab.Options[object]{Heap: h})
	require.NoError(t, err)
	_, err = c.Get()
	require.ErrorIs(t, err, alloc.ErrNoMemory)
	require.NoError(t, c.Close())
	require.NoError(t, h.Close())

	c, err = slab.New(&slab.Options[object]{Buffer: make([]byte, 64<<10)})
	require.NoError(t, err)
	o, err := c.Get()
	require.NoError(t, err)
	require.ErrorIs(t, c.Put(new(object)), alloc.ErrForeign)
	require.ErrorIs(t, c.Put(nil), alloc.ErrForeign)
	require.ErrorIs(t, c.Put((*object)(unsafe.Add(unsafe.Pointer(o), 8))), alloc.ErrForeign)
	require.NoError(t, c.Put(o))
	require.ErrorIs(t, c.Put(o), alloc.ErrDoubleFree)
	require.NoError(t, c.Close())
}

func TestRawIsAnAllocator(t *testing.T) {
	h, err := alloc.NewHeap(nil)
	require.NoError(t, err)
	for _, size := range []int{0, -1, math.MaxInt} {
		_, err := slab.NewRaw(h, size, 8)
		require.ErrorIs(t, err, alloc.ErrSize)
	}
	for _, align := range []int{0, -8, 3, 1 << 20} {
		_, err := slab.NewRaw(h, 8, align)
		require.ErrorIs(t, err, alloc.ErrAlign)
	}
	c, err := slab.NewRaw(h, 100, 16)
	require.NoError(t, err)
	require.Nil(t, c.Alloc(101))
	require.Nil(t, c.Alloc(0))
	p := c.Alloc(100)
	require.Zero(t, uintptr(p)%16)
	require.NoError(t, c.Free(nil))
	require.NoError(t, c.Free(p))
	require.ErrorIs(t, c.Free(p), alloc.ErrDoubleFree)
	require.EqualValues(t, 2, c.Stats().Failed)
	require.NotZero(t, c.Reap())
	require.NoError(t, c.Close())
	require.NoError(t, h.Close())
}

func TestSizesIsAnAllocator(t *testing.T) {
	h, err := alloc.NewHeap(nil)
	require.NoError(t, err)
	s, err := slab.NewSizes(h)
	require.NoError(t, err)
	alloctest.Churn(t, s, rand.New(rand.NewPCG(1, 2)), 5000, 40_000)
	big := s.Alloc(20_000)
	require.NoError(t, s.Free(nil))
	require.ErrorIs(t, s.Free(unsafe.Pointer(s)), alloc.ErrForeign)
	require.Nil(t, s.Alloc(0))
	s.Alloc(100)
	var leak *alloc.LeakError
	require.ErrorAs(t, s.Close(), &leak)
	require.EqualValues(t, 20_000+128, leak.Bytes)
	require.ErrorIs(t, s.Free(big), alloc.ErrForeign)
	require.NoError(t, h.Close())
}

func Example() {
	type conn struct{ id, uses int }
	ids := 0
	c, err := slab.New(&slab.Options[conn]{Construct: func(c *conn) { ids++; c.id = ids }})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		x, err := c.Get()
		if err != nil {
			fmt.Println(err)
			return
		}
		x.uses++
		fmt.Println(x.id, x.uses)
		if err := c.Put(x); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(c.Close())
	// Output:
	// 1 1
	// 1 2
	// 1 3
	// <nil>
}
