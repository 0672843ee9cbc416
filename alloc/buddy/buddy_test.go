package buddy_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/buddy"
	"github.com/groundwork-go/groundwork/alloc/internal/alloctest"
)

var _ alloc.Allocator = (*buddy.Buddy)(nil)

// checkWalk verifies that blocks tile the buffer, each at a multiple of its size,
// that no two free buddies are side by side, and returns the number of free ones.
func checkWalk(t *testing.T, b *buddy.Buddy, units, minBlock int) (free int) {
	t.Helper()
	var last buddy.Block
	at := 0
	for x := range b.Walk() {
		require.Equal(t, at, x.Offset)
		require.Zero(t, x.Offset%x.Size)
		merged := !last.Used && !x.Used && last.Size == x.Size && x.Offset/x.Size%2 == 1
		require.False(t, merged, "two free buddies at %d", at)
		at += x.Size
		if !x.Used {
			free++
		}
		last = x
	}
	require.Equal(t, units*minBlock, at)
	return free
}

func TestRandomOperationsMergeBackToTheStart(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, minBlock := range []int{16, 64, 1024} {
		h, err := alloc.NewHeap(nil)
		require.NoError(t, err)
		buf := h.Bytes(1<<16 + r.IntN(1<<14))
		b, err := buddy.New(buf, minBlock)
		require.NoError(t, err)
		start := checkWalk(t, b, len(buf)/minBlock, minBlock)
		for range 5 {
			alloctest.Churn(t, b, r, 4000, 3000)
			require.Equal(t, start, checkWalk(t, b, len(buf)/minBlock, minBlock))
		}
		require.Len(t, b.Map().Regions, start)
		require.NoError(t, h.FreeBytes(buf))
		require.NoError(t, h.Close())
	}
}

func FuzzOperations(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint16(100))
	f.Add(uint64(2), uint8(3), uint16(64))
	f.Add(uint64(3), uint8(7), uint16(5000))
	f.Fuzz(func(t *testing.T, seed uint64, shift uint8, size uint16) {
		minBlock := 16 << (shift % 8)
		buf := make([]byte, size)
		b, err := buddy.New(buf, minBlock)
		if err != nil {
			require.Less(t, int(size), minBlock+16)
			return
		}
		alloctest.Churn(t, b, rand.New(rand.NewPCG(seed, 1)), 200, int(size)/4+1)
	})
}

func TestSplitTakesTheLowerHalf(t *testing.T) {
	b, err := buddy.New(make([]byte, 1024), 64)
	require.NoError(t, err)
	p := b.Alloc(200)
	q := b.Alloc(64)
	require.Equal(t, unsafe.Add(p, 256), q)
	require.EqualValues(t, 320, b.Stats().Live)
	require.EqualValues(t, 512, b.Stats().LargestFree)
	require.Equal(t, unsafe.Add(p, 512), b.Alloc(512))
	require.NoError(t, b.Free(p))
	require.Nil(t, b.Alloc(257), "what is free was not split from one block")
	require.NoError(t, b.Free(q))
	require.NotNil(t, b.Alloc(512))
}

func TestOddBuffersAreUsedToTheLastBlock(t *testing.T) {
	b, err := buddy.New(make([]byte, 7*64+10), 64)
	require.NoError(t, err)
	for range 7 {
		require.NotNil(t, b.Alloc(1))
	}
	require.Nil(t, b.Alloc(1))
}

func TestBadCalls(t *testing.T) {
	b, err := buddy.New(make([]byte, 1024), 16)
	require.NoError(t, err)
	alloctest.BadCalls(t, b, 1024)
	for _, c := range []struct{ size, minBlock int }{{0, 16}, {15, 16}, {100, 128}, {1000, 24}, {1000, 8}, {1000, -16}} {
		_, err := buddy.New(make([]byte, c.size), c.minBlock)
		require.ErrorIs(t, err, alloc.ErrConfig, "%v", c)
	}
	_, err = buddy.New(nil, 0)
	require.ErrorIs(t, err, alloc.ErrConfig)
}

func Example() {
	b, err := buddy.New(make([]byte, 1<<16), 64)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := b.Alloc(1000)
	fmt.Println(b.Stats().Live, "bytes")
	fmt.Println(b.Free(p))
	fmt.Println(b.Free(p))
	// Output:
	// 1024 bytes
	// <nil>
	// alloc: double free
}
