package freelist_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/freelist"
)

var _ alloc.Allocator = (*freelist.List)(nil)

var fits = map[string]freelist.Fit{"first": freelist.FirstFit, "best": freelist.BestFit, "next": freelist.NextFit}

// checkWalk verifies that blocks tile the buffer and no two free ones touch.
func checkWalk(t *testing.T, l *freelist.List) (free int) {
	t.Helper()
	at, lastFree := 16, false
	for b := range l.Walk() {
		require.Equal(t, at, b.Offset)
		require.GreaterOrEqual(t, b.Size, 32)
		require.False(t, lastFree && !b.Used, "two free blocks side by side at %d", b.Offset)
		at += b.Size
		if lastFree = !b.Used; lastFree {
			free++
		}
	}
	return free
}

// churn runs random operations against a list; every block is filled with a
// pattern of its own that is checked before it is freed.
func churn(t *testing.T, l *freelist.List, r *rand.Rand, ops, maxSize int) {
	type block struct {
		p    unsafe.Pointer
		n    int
		fill byte
	}
	var live []block
	verify := func(b block) {
		for _, c := range unsafe.Slice((*byte)(b.p), b.n) {
			if c != b.fill {
				t.Fatal("a block was overwritten")
			}
		}
	}
	for i := range ops {
		if r.IntN(2) == 0 || len(live) == 0 {
			n := 1 + r.IntN(maxSize)
			p := l.Alloc(n)
			if p == nil {
				continue
			}
			require.Zero(t, uintptr(p)%16)
			b := block{p, n, byte(i)}
			s := unsafe.Slice((*byte)(p), n)
			for j := range s {
				s[j] = b.fill
			}
			live = append(live, b)
			continue
		}
		j := r.IntN(len(live))
		verify(live[j])
		require.NoError(t, l.Free(live[j].p))
		live[j] = live[len(live)-1]
		live = live[:len(live)-1]
	}
	checkWalk(t, l)
	for _, b := range live {
		verify(b)
		require.NoError(t, l.Free(b.p))
	}
}

func TestRandomOperationsLeaveOneFreeBlock(t *testing.T) {
	for name, fit := range fits {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 0))
			l, err := freelist.New(make([]byte, 1<<16+r.IntN(64)), fit)
			require.NoError(t, err)
			churn(t, l, r, 20_000, 2000)
			require.Equal(t, 1, checkWalk(t, l))
			s := l.Stats()
			require.Zero(t, s.Live)
			require.Zero(t, s.Blocks)
			require.Equal(t, s.Allocs, s.Frees)
		})
	}
}

func FuzzOperations(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint16(100))
	f.Add(uint64(2), uint8(1), uint16(64))
	f.Add(uint64(3), uint8(2), uint16(5000))
	f.Fuzz(func(t *testing.T, seed uint64, fit uint8, size uint16) {
		l, err := freelist.New(make([]byte, size), freelist.Fit(fit%3))
		if err != nil {
			require.Less(t, int(size), 96)
			return
		}
		churn(t, l, rand.New(rand.NewPCG(seed, 1)), 200, int(size)/4+1)
		require.Equal(t, 1, checkWalk(t, l))
	})
}

func TestFitsChooseAsNamed(t *testing.T) {
	// Free holes of 208, 112 and 304 bytes, kept apart by used blocks; the list
	// holds the one freed last first.
	for name, want := range map[string]int{"first": 304, "best": 112} {
		t.Run(name, func(t *testing.T) {
			l, err := freelist.New(make([]byte, 4096), fits[name])
			require.NoError(t, err)
			var holes []unsafe.Pointer
			for _, n := range []int{200, 104, 296} {
				holes = append(holes, l.Alloc(n))
				l.Alloc(16)
			}
			for l.Alloc(16) != nil { // no rest at the end
			}
			sizeOf := map[unsafe.Pointer]int{holes[0]: 208, holes[1]: 112, holes[2]: 304}
			for _, p := range holes {
				require.NoError(t, l.Free(p))
			}
			require.Equal(t, want, sizeOf[l.Alloc(100)])
		})
	}
}

func TestNextFitGoesOnWhereItStopped(t *testing.T) {
	l, err := freelist.New(make([]byte, 4096), freelist.NextFit)
	require.NoError(t, err)
	a := l.Alloc(100)
	b := l.Alloc(100)
	require.NoError(t, l.Free(a))
	c := l.Alloc(100)
	require.Greater(t, uintptr(c), uintptr(b), "the hole before is not looked at first")
}

func TestWholeBufferCanBeUsed(t *testing.T) {
	l, err := freelist.New(make([]byte, 1024), freelist.FirstFit)
	require.NoError(t, err)
	n := 1024
	var p unsafe.Pointer
	for ; p == nil; n-- {
		p = l.Alloc(n)
	}
	require.Greater(t, n, 1024-64)
	require.Nil(t, l.Alloc(1))
	require.NoError(t, l.Free(p))
}

func TestBadPointersAndSizes(t *testing.T) {
	l, err := freelist.New(make([]byte, 1024), freelist.FirstFit)
	require.NoError(t, err)
	p := l.Alloc(100)
	q := l.Alloc(100)
	require.NoError(t, l.Free(nil))
	require.ErrorIs(t, l.Free(unsafe.Add(p, 16)), alloc.ErrForeign, "interior")
	require.ErrorIs(t, l.Free(unsafe.Add(p, 1)), alloc.ErrForeign, "unaligned")
	require.ErrorIs(t, l.Free(unsafe.Pointer(new(int))), alloc.ErrForeign, "outside")
	require.NoError(t, l.Free(p))
	require.ErrorIs(t, l.Free(p), alloc.ErrDoubleFree)
	require.NoError(t, l.Free(q))
	require.ErrorIs(t, l.Free(q), alloc.ErrDoubleFree, "merged into the block before")
	for _, n := range []int{0, -1, math.MinInt, math.MaxInt, 1024} {
		require.Nil(t, l.Alloc(n), "%d bytes", n)
	}
	require.EqualValues(t, 5, l.Stats().Failed)
}

func TestBadConfig(t *testing.T) {
	_, err := freelist.New(nil, freelist.FirstFit)
	require.ErrorIs(t, err, alloc.ErrConfig)
	_, err = freelist.New(make([]byte, 40), freelist.FirstFit)
	require.ErrorIs(t, err, alloc.ErrConfig)
	_, err = freelist.New(make([]byte, 4096), freelist.Fit(9))
	require.ErrorIs(t, err, alloc.ErrConfig)
}

func Example() {
	l, err := freelist.New(make([]byte, 4096), freelist.BestFit)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := l.Alloc(100)
	fmt.Println(l.Stats().Blocks, "block")
	fmt.Println(l.Free(p))
	fmt.Println(l.Free(p))
	// Output:
	// 1 block
	// <nil>
	// alloc: double free
}
