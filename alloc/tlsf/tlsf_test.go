package tlsf

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/internal/alloctest"
	"github.com/groundwork-go/groundwork/alloc/internal/boundary"
)

var _ alloc.Allocator = (*TLSF)(nil)

// check verifies that blocks tile the buffer, that no two free ones touch, and that
// lists and bitmaps hold exactly the free ones. It returns their number.
func check(t *testing.T, a *TLSF) int {
	t.Helper()
	free := map[int]int{}
	at, lastFree := unit, false
	for b := range a.Walk() {
		require.Equal(t, at, b.Offset)
		require.GreaterOrEqual(t, b.Size, boundary.MinBlock)
		require.False(t, lastFree && !b.Used, "two free blocks side by side at %d", b.Offset)
		if at += b.Size; !b.Used {
			free[b.Offset] = b.Size
		}
		lastFree = !b.Used
	}
	require.Equal(t, a.m.End, at)
	listed := 0
	for f := range a.heads {
		require.Equal(t, a.second[f] != 0, a.first>>f&1 != 0)
		for s, b := range a.heads[f] {
			require.Equal(t, b != 0, a.second[f]>>s&1 != 0)
			for ; b != 0; b = a.m.At(b + unit) {
				wantF, wantS := classOf(free[b])
				require.Equal(t, [2]int{wantF, wantS}, [2]int{f, s})
				listed++
			}
		}
	}
	require.Len(t, free, listed)
	return listed
}

func TestRandomOperationsLeaveOneFreeBlock(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 4 {
		a, err := New(make([]byte, 1<<16+r.IntN(64)))
		require.NoError(t, err)
		alloctest.Churn(t, a, r, 20_000, 3000)
		require.Equal(t, 1, check(t, a))
		require.Len(t, a.Map().Regions, 1)
		require.Zero(t, a.Stats().External())
	}
}

func FuzzOperations(f *testing.F) {
	f.Add(uint64(1), uint16(100))
	f.Add(uint64(2), uint16(64))
	f.Add(uint64(3), uint16(5000))
	f.Fuzz(func(t *testing.T, seed uint64, size uint16) {
		a, err := New(make([]byte, size))
		if err != nil {
			require.Less(t, int(size), 96)
			return
		}
		alloctest.Churn(t, a, rand.New(rand.NewPCG(seed, 1)), 200, int(size)/4+1)
		require.Equal(t, 1, check(t, a))
	})
}

func TestClassesAreInOrderAndExact(t *testing.T) {
	last := -1
	for size := boundary.MinBlock; size < 1<<20; size += unit {
		f, s := classOf(size)
		c := f*second + s
		require.GreaterOrEqual(t, c, last)
		require.LessOrEqual(t, c, last+second+1)
		last = c
	}
	f, s := classOf(math.MaxInt &^ (unit - 1))
	require.Less(t, f, firsts)
	require.Equal(t, second-1, s)
	require.Equal(t, linearBits, bits.Len(linear)-1)
}

// A call looks at two lists to find a block; it takes one block or two from their
// lists and puts one into a list.
func TestStepsAreBounded(t *testing.T) {
	const mostAlloc, mostFree = 2 + 1 + 1, 2 + 1
	r := rand.New(rand.NewPCG(3, 4))
	a, err := New(make([]byte, 8<<20))
	require.NoError(t, err)
	var live []unsafe.Pointer
	alloced, freed := 0, 0
	for range 300_000 {
		if r.IntN(2) == 0 || len(live) == 0 {
			if p := a.Alloc(1 + r.IntN(16<<r.IntN(14))); p != nil {
				live = append(live, p)
			}
			alloced = max(alloced, a.steps)
			continue
		}
		i := r.IntN(len(live))
		require.NoError(t, a.Free(live[i]))
		freed = max(freed, a.steps)
		require.ErrorIs(t, a.Free(live[i]), alloc.ErrDoubleFree)
		require.Zero(t, a.steps)
		live[i] = live[len(live)-1]
		live = live[:len(live)-1]
	}
	require.Equal(t, mostAlloc, alloced)
	require.Equal(t, mostFree, freed)
	require.Greater(t, check(t, a), 1)
}

func TestWholeBufferCanBeUsed(t *testing.T) {
	a, err := New(make([]byte, 1024))
	require.NoError(t, err)
	n := int(a.Stats().LargestFree)
	p := a.Alloc(n)
	require.NotNil(t, p)
	require.Greater(t, n, 1024-64)
	require.Nil(t, a.Alloc(1))
	require.NoError(t, a.Free(p))
}

func TestBadCalls(t *testing.T) {
	a, err := New(make([]byte, 1024))
	require.NoError(t, err)
	alloctest.BadCalls(t, a, 1024)
	for _, size := range []int{0, 1, 40, 63} {
		_, err := New(make([]byte, size))
		require.ErrorIs(t, err, alloc.ErrConfig, "%d", size)
	}
}
