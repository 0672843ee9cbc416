package freelist_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/freelist"
	"github.com/groundwork-go/groundwork/alloc/internal/alloctest"
)

var _ alloc.Allocator = (*freelist.List)(nil)

var fits = map[string]freelist.Fit{"first": freelist.FirstFit, "best": freelist.BestFit, "next": freelist.NextFit, "worst": freelist.WorstFit}

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

func TestRandomOperationsLeaveOneFreeBlock(t *testing.T) {
	for name, fit := range fits {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 0))
			l, err := freelist.New(make([]byte, 1<<16+r.IntN(64)), fit)
			require.NoError(t, err)
			alloctest.Churn(t, l, r, 20_000, 2000)
			require.Equal(t, 1, checkWalk(t, l))
			require.Len(t, l.Map().Regions, 1)
			require.Zero(t, l.Stats().External())
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
		l, err := freelist.New(make([]byte, size), freelist.Fit(fit%4))
		if err != nil {
			require.Less(t, int(size), 96)
			return
		}
		alloctest.Churn(t, l, rand.New(rand.NewPCG(seed, 1)), 200, int(size)/4+1)
		require.Equal(t, 1, checkWalk(t, l))
	})
}

func TestFitsChooseAsNamed(t *testing.T) {
	// Free holes of 112, 304 and 208 bytes, kept apart by used blocks; the list
	// holds the one freed last first.
	for name, want := range map[string]int{"first": 208, "best": 112, "worst": 304} {
		t.Run(name, func(t *testing.T) {
			l, err := freelist.New(make([]byte, 4096), fits[name])
			require.NoError(t, err)
			var holes []unsafe.Pointer
			for _, n := range []int{104, 296, 200} {
				holes = append(holes, l.Alloc(n))
				l.Alloc(16)
			}
			for l.Alloc(16) != nil { // no rest at the end
			}
			sizeOf := map[unsafe.Pointer]int{holes[0]: 112, holes[1]: 304, holes[2]: 208}
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
	alloctest.BadCalls(t, l, 1024)
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
