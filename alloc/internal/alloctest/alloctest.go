// Package alloctest has the tests that every allocator must pass.
package alloctest

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
)

// A block is filled with a byte of its own.
type block struct {
	p    unsafe.Pointer
	n    int
	fill byte
}

func (b block) bytes() []byte { return unsafe.Slice((*byte)(b.p), b.n) }

func (b block) verify(t *testing.T) {
	for _, c := range b.bytes() {
		if c != b.fill {
			t.Fatal("a block was overwritten")
		}
	}
}

// Churn allocates up to maxSize bytes and frees, at random, and checks that no
// block is touched by another and that frees of what is free are errors. In the end
// it frees everything.
func Churn(t *testing.T, a alloc.Allocator, r *rand.Rand, ops, maxSize int) {
	t.Helper()
	var live []block
	for i := range ops {
		if r.IntN(2) == 0 || len(live) == 0 {
			b := block{n: 1 + r.IntN(1+r.IntN(maxSize)), fill: byte(i)}
			if b.p = a.Alloc(b.n); b.p == nil {
				continue
			}
			if uintptr(b.p)%16 != 0 {
				t.Fatal("a block is not aligned")
			}
			for j := range b.bytes() {
				b.bytes()[j] = b.fill
			}
			live = append(live, b)
			continue
		}
		j := r.IntN(len(live))
		live[j].verify(t)
		require.NoError(t, a.Free(live[j].p))
		if r.IntN(8) == 0 {
			require.Error(t, a.Free(live[j].p))
		}
		live[j] = live[len(live)-1]
		live = live[:len(live)-1]
		if len(live) > 0 && r.IntN(8) == 0 {
			require.Error(t, a.Free(unsafe.Add(live[0].p, 1+r.IntN(15))))
		}
	}
	s := a.Stats()
	require.EqualValues(t, len(live), s.Blocks)
	require.Equal(t, s.Blocks, s.Allocs-s.Frees)
	require.LessOrEqual(t, s.LargestFree, s.Free)
	require.LessOrEqual(t, s.Free+s.Live, s.Reserved)
	for _, b := range live {
		b.verify(t)
		require.NoError(t, a.Free(b.p))
	}
	s = a.Stats()
	require.Zero(t, s.Blocks)
	require.Zero(t, s.Live)
}

// BadCalls checks what every allocator that manages one buffer does with wrong
// sizes and pointers.
func BadCalls(t *testing.T, a alloc.Allocator, bufferSize int) {
	t.Helper()
	p := a.Alloc(100)
	q := a.Alloc(100)
	require.NotNil(t, q)
	require.NoError(t, a.Free(nil))
	require.ErrorIs(t, a.Free(unsafe.Add(p, 16)), alloc.ErrForeign, "interior")
	require.ErrorIs(t, a.Free(unsafe.Add(p, 1)), alloc.ErrForeign, "unaligned")
	require.ErrorIs(t, a.Free(unsafe.Pointer(new(int))), alloc.ErrForeign, "outside")
	require.NoError(t, a.Free(p))
	require.ErrorIs(t, a.Free(p), alloc.ErrDoubleFree)
	require.NoError(t, a.Free(q))
	require.ErrorIs(t, a.Free(q), alloc.ErrDoubleFree, "merged into the block before")
	failed := a.Stats().Failed
	sizes := []int{0, -1, math.MinInt, math.MaxInt, math.MaxInt - 15, bufferSize + 1}
	for _, n := range sizes {
		require.Nil(t, a.Alloc(n), "%d bytes", n)
	}
	require.EqualValues(t, len(sizes), a.Stats().Failed-failed)
}
