package alloc_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
)

var _ alloc.Allocator = (*alloc.Heap)(nil)

func newHeap(t *testing.T, o *alloc.HeapOptions) *alloc.Heap {
	t.Helper()
	h, err := alloc.NewHeap(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

func TestUsableSizeCoversTheRequestWithoutMuchWaste(t *testing.T) {
	h := newHeap(t, nil)
	for n := 1; n <= 40_000; n += 1 + n/50 {
		p := h.Alloc(n)
		require.NotNil(t, p)
		u := h.UsableSize(p)
		require.GreaterOrEqual(t, u, n)
		require.Less(t, u, max(n+16, n+n/4+1, (n+65535)&^65535+1), "size %d", n)
		require.NoError(t, h.Free(p))
	}
}

func TestBadSizesAndPointers(t *testing.T) {
	runtime.LockOSThread() // a second free on another thread may go unnoticed
	defer runtime.UnlockOSThread()
	h := newHeap(t, nil)
	for _, n := range []int{0, -1, math.MinInt, math.MaxInt} {
		require.Nil(t, h.Alloc(n), "%d bytes", n)
		require.Nil(t, h.Bytes(n), "%d bytes", n)
	}
	p := h.Alloc(100)
	big := h.Alloc(100 << 10)
	require.NoError(t, h.Free(nil))
	require.NoError(t, h.FreeBytes(nil))
	require.ErrorIs(t, h.Free(unsafe.Add(p, 16)), alloc.ErrForeign)
	require.ErrorIs(t, h.Free(unsafe.Add(p, 112)), alloc.ErrDoubleFree, "free, though it was never handed out")
	require.ErrorIs(t, h.Free(unsafe.Add(p, 112*128)), alloc.ErrForeign, "never a block so far")
	require.ErrorIs(t, h.Free(unsafe.Add(big, 1<<12)), alloc.ErrForeign)
	require.ErrorIs(t, h.Free(unsafe.Pointer(new(int))), alloc.ErrForeign)
	require.NoError(t, h.Free(p))
	require.ErrorIs(t, h.Free(p), alloc.ErrDoubleFree)
	require.NoError(t, h.Free(big))
	require.ErrorIs(t, h.Free(big), alloc.ErrDoubleFree)
	own := h.Alloc(64 << 20)
	require.NoError(t, h.Free(own))
	require.ErrorIs(t, h.Free(own), alloc.ErrForeign, "unmapped")
	require.Zero(t, h.UsableSize(p))
}

func TestLimit(t *testing.T) {
	h := newHeap(t, &alloc.HeapOptions{Limit: 1 << 20})
	var ps []unsafe.Pointer
	for p := h.Alloc(1000); p != nil; p = h.Alloc(1000) {
		ps = append(ps, p)
	}
	require.Greater(t, len(ps), 900)
	require.LessOrEqual(t, h.Stats().Reserved, int64(1<<20))
	require.NoError(t, h.Free(ps[0]))
	p := h.Alloc(1000)
	require.NotNil(t, p, "usable after it was full")
	ps[0] = p
	for _, p := range ps {
		require.NoError(t, h.Free(p))
	}
	_, err := alloc.NewHeap(&alloc.HeapOptions{Limit: -1})
	require.ErrorIs(t, err, alloc.ErrConfig)
}

func TestUseAfterClose(t *testing.T) {
	h, err := alloc.NewHeap(nil)
	require.NoError(t, err)
	p := h.Alloc(10)
	h.Alloc(100_000)
	var leak *alloc.LeakError
	require.ErrorAs(t, h.Close(), &leak)
	require.EqualValues(t, 2, leak.Blocks)
	require.NoError(t, h.Close())
	require.Nil(t, h.Alloc(10))
	require.ErrorIs(t, h.Free(p), alloc.ErrClosed)
	require.Zero(t, h.UsableSize(p))
}

func TestBlocksOfManyGoroutinesDoNotOverlap(t *testing.T) {
	h := newHeap(t, nil)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	handed := make(chan []byte, 64) // blocks are also freed by others than their makers
	check := func(b []byte) {
		for _, c := range b {
			if c != b[0] {
				t.Errorf("block of %d bytes was overwritten", len(b))
				break
			}
		}
		if err := h.FreeBytes(b); err != nil {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			var live [][]byte
			for i := range 5000 {
				b := h.Bytes(1 + r.IntN(1<<r.IntN(16)))
				for j := range b {
					b[j] = byte(i + w)
				}
				live = append(live, b)
				if len(live) > 50 {
					j := r.IntN(len(live))
					select {
					case handed <- live[j]:
					case other := <-handed:
						check(other)
						check(live[j])
					}
					live[j] = live[len(live)-1]
					live = live[:len(live)-1]
				}
			}
			for _, b := range live {
				check(b)
			}
		})
	}
	wg.Wait()
	close(handed)
	for b := range handed {
		check(b)
	}
	require.Zero(t, h.Stats().Live)
}

func Example() {
	h, err := alloc.NewHeap(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	b := h.Bytes(100)
	copy(b, "off the Go heap")
	fmt.Println(string(b[:15]), len(b), cap(b))
	fmt.Println(h.FreeBytes(b), h.Stats().Live)
	fmt.Println(h.Close())
	// Output:
	// off the Go heap 100 112
	// <nil> 0
	// <nil>
}

func ExampleHeap_Close() {
	h, _ := alloc.NewHeap(nil)
	h.Alloc(100) // never freed
	fmt.Println(h.Close())
	// Output:
	// alloc: 1 block of 112 bytes in all not freed before Close
}
