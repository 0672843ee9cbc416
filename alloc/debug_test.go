package alloc_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
)

// byteAt is beyond or before the block, so it is reached as C would.
func byteAt(p unsafe.Pointer, off int) *byte { return (*byte)(unsafe.Add(p, off)) }

func TestDebugFindsEveryFault(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  alloc.FaultKind
		is    error
		wrong func(h *alloc.Heap, p unsafe.Pointer, n int) error
	}{
		{"double free", alloc.DoubleFree, alloc.ErrDoubleFree, func(h *alloc.Heap, p unsafe.Pointer, n int) error {
			return errors.Join(h.Free(p), h.Free(p))
		}},
		{"interior free", alloc.InteriorFree, alloc.ErrForeign, func(h *alloc.Heap, p unsafe.Pointer, n int) error {
			return errors.Join(h.Free(unsafe.Add(p, n/2)), h.Free(p))
		}},
		{"foreign free", alloc.ForeignFree, alloc.ErrForeign, func(h *alloc.Heap, p unsafe.Pointer, n int) error {
			return errors.Join(h.Free(unsafe.Pointer(new([64]byte))), h.Free(p))
		}},
		{"overrun by a byte", alloc.Overrun, alloc.ErrCorrupt, func(h *alloc.Heap, p unsafe.Pointer, n int) error {
			*byteAt(p, n) ^= 1
			return h.Free(p)
		}},
		{"underrun by a byte", alloc.Underrun, alloc.ErrCorrupt, func(h *alloc.Heap, p unsafe.Pointer, n int) error {
			*byteAt(p, -1) ^= 1
			return h.Free(p)
		}},
		{"overrun found by Close", alloc.Overrun, alloc.ErrCorrupt, func(h *alloc.Heap, p unsafe.Pointer, n int) error {
			*byteAt(p, n+15) ^= 1
			return h.Close()
		}},
		{"write after free found by Close", alloc.WriteAfterFree, alloc.ErrCorrupt, func(h *alloc.Heap, p unsafe.Pointer, n int) error {
			err := h.Free(p)
			*byteAt(p, n-1) ^= 1
			return errors.Join(err, h.Close())
		}},
		{"write after free found by reuse", alloc.WriteAfterFree, alloc.ErrCorrupt, func(h *alloc.Heap, p unsafe.Pointer, n int) error {
			err := h.Free(p)
			*byteAt(p, 0) ^= 1
			for range 100 {
				err = errors.Join(err, h.Free(h.Alloc(4096)))
			}
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []int{2, 15, 16, 17, 100, 4096, 100_000} {
				h, err := alloc.NewHeap(&alloc.HeapOptions{Debug: true, Quarantine: 200_000})
				require.NoError(t, err)
				err = c.wrong(h, h.Alloc(n), n)
				var f *alloc.Fault
				require.ErrorAs(t, err, &f, "%d bytes", n)
				require.Equal(t, c.kind, f.Kind, "%v", err)
				require.ErrorIs(t, err, c.is)
				require.Contains(t, err.Error(), "debug_test.go", "it tells where")
				_ = h.Close() // the fault was seen; what is left is not the subject
			}
		})
	}
}

func TestDebugRandomFaultsAreAllFound(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 300 {
		h, err := alloc.NewHeap(&alloc.HeapOptions{Debug: true})
		require.NoError(t, err)
		n := 1 + r.IntN(3000)
		p := h.Alloc(n)
		off := n + r.IntN(64)
		if i%2 == 0 {
			off = -1 - r.IntN(64)
		}
		*byteAt(p, off) += byte(1 + r.IntN(255))
		err = h.Free(p)
		var f *alloc.Fault
		require.ErrorAs(t, err, &f)
		require.Equal(t, off, f.Offset)
		require.NoError(t, h.Close())
	}
}

func TestLeaksAreReportedWithTheirSites(t *testing.T) {
	h, err := alloc.NewHeap(&alloc.HeapOptions{Debug: true})
	require.NoError(t, err)
	for range 3 {
		h.Alloc(100)
	}
	h.Alloc(50)
	var leak *alloc.LeakError
	require.ErrorAs(t, h.Close(), &leak)
	require.EqualValues(t, 4, leak.Blocks)
	require.EqualValues(t, 350, leak.Bytes)
	require.Len(t, leak.Sites, 2)
	require.EqualValues(t, 3, leak.Sites[0].Blocks)
	require.Contains(t, leak.Error(), "TestLeaksAreReportedWithTheirSites")
	require.NoError(t, h.Close())
}

// faults tells whether f accesses memory that is not accessible.
func faults(f func()) (did bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestPageGuardStopsWrongAccesses(t *testing.T) {
	h, err := alloc.NewHeap(&alloc.HeapOptions{PageGuard: true})
	require.NoError(t, err)
	for _, n := range []int{16, 64, 4096, 10_000 &^ 15} {
		p := h.Alloc(n)
		require.False(t, faults(func() { *byteAt(p, 0), *byteAt(p, n-1) = 1, 2 }))
		require.True(t, faults(func() { *byteAt(p, n) = 1 }), "%d bytes", n)
		require.NoError(t, h.Free(p))
		require.True(t, faults(func() { *byteAt(p, 0) = 1 }), "after free, %d bytes", n)
		require.ErrorIs(t, h.Free(p), alloc.ErrDoubleFree)
	}
	p := h.Alloc(10)
	*byteAt(p, 10) = 0 // before the guard page: a redzone
	require.ErrorIs(t, h.Free(p), alloc.ErrCorrupt)
	q := h.AllocAligned(100, 64<<10)
	require.Zero(t, uintptr(q)%(64<<10))
	require.NoError(t, h.Free(q))
	require.NoError(t, h.Close())
}

func TestDebugHeapIsAHeap(t *testing.T) {
	h, err := alloc.NewHeap(&alloc.HeapOptions{Debug: true, Zero: true, Limit: 8 << 20, Quarantine: -1})
	require.NoError(t, err)
	require.Nil(t, h.Alloc(0))
	require.Nil(t, h.Alloc(-1))
	require.Nil(t, h.Alloc(math.MaxInt))
	require.Nil(t, h.Alloc(9<<20))
	b := h.Bytes(100)
	require.Equal(t, make([]byte, 100), b)
	require.Equal(t, 100, cap(b))
	b[99] = 7
	p := h.Realloc(unsafe.Pointer(&b[0]), 200)
	require.EqualValues(t, 7, *byteAt(p, 99))
	require.Equal(t, 200, h.UsableSize(p))
	s := h.Stats()
	require.EqualValues(t, 200, s.Live)
	require.EqualValues(t, 1, s.Blocks)
	require.NoError(t, h.Free(p))
	*byteAt(h.Alloc(10), 10) = 0
	var f *alloc.Fault
	var leak *alloc.LeakError
	err = h.Close()
	require.ErrorAs(t, err, &f)
	require.ErrorAs(t, err, &leak)
	require.ErrorIs(t, h.Free(p), alloc.ErrClosed)
}

func ExampleFault() {
	h, _ := alloc.NewHeap(&alloc.HeapOptions{Debug: true})
	defer h.Close()
	p := h.Alloc(100)
	*(*byte)(unsafe.Add(p, 100)) = 1
	var f *alloc.Fault
	if errors.As(h.Free(p), &f) {
		fmt.Println(f.Kind, f.Size, f.Offset)
	}
	// Output: write behind the end of a block 100 100
}
