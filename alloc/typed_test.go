package alloc_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
)

type point struct{ X, Y float64 }

type nested struct {
	ID   int
	List [3]struct {
		N    int
		Next *nested
	}
}

func TestTypedValues(t *testing.T) {
	h := newHeap(t, nil)
	for range 3 { // memory that was used before is zeroed as well
		p, err := alloc.New[point](h)
		require.NoError(t, err)
		require.Equal(t, point{}, *p)
		*p = point{1, 2}
		require.NoError(t, alloc.Delete(h, p))
		s, err := alloc.MakeSlice[uint32](h, 5, 1000)
		require.NoError(t, err)
		require.Len(t, s, 5)
		require.Equal(t, 1000, cap(s))
		for _, v := range s[:1000] {
			require.Zero(t, v)
		}
		for i := range s[:1000] {
			s[:1000][i] = 1
		}
		require.NoError(t, alloc.DeleteSlice(h, s[:2]))
	}
	e, err := alloc.New[struct{}](h)
	require.NoError(t, err)
	require.NoError(t, alloc.Delete(h, e))
	empty, err := alloc.MakeSlice[struct{}](h, 1<<30, 1<<30)
	require.NoError(t, err)
	require.NoError(t, alloc.DeleteSlice(h, empty))
}

func TestTypesWithPointersAreRefused(t *testing.T) {
	h := newHeap(t, nil)
	for name, try := range map[string]func() error{
		"alloc_test.nested.List[0].Next is a *alloc_test.nested": func() error { _, err := alloc.New[nested](h); return err },
		"string is a string":                 func() error { _, err := alloc.New[string](h); return err },
		"[]int is a []int":                   func() error { _, err := alloc.MakeSlice[[]int](h, 1, 1); return err },
		"interface {} is a interface {}":     func() error { _, err := alloc.New[any](h); return err },
		"map[int]int is a map[int]int":       func() error { _, err := alloc.NewRef[map[int]int](h); return err },
		"[2]func()[0] is a func()":           func() error { _, err := alloc.New[[2]func()](h); return err },
		"unsafe.Pointer is a unsafe.Pointer": func() error { _, err := alloc.New[unsafe.Pointer](h); return err },
		"chan int is a chan int":             func() error { _, err := alloc.New[chan int](h); return err },
	} {
		for range 2 { // the second time it is known
			err := try()
			require.ErrorIs(t, err, alloc.ErrPointers)
			require.ErrorContains(t, err, name)
		}
	}
	p, err := alloc.New[[0]*int](h)
	require.NoError(t, err)
	require.NoError(t, alloc.Delete(h, p))
}

func TestSliceSizesAreChecked(t *testing.T) {
	h := newHeap(t, nil)
	for _, c := range [][2]int{{-1, 0}, {0, -1}, {2, 1}, {0, math.MaxInt}, {1, math.MaxInt / 8}} {
		_, err := alloc.MakeSlice[int64](h, c[0], c[1])
		require.ErrorIs(t, err, alloc.ErrSize, "%v", c)
	}
	if math.MaxInt > math.MaxInt32 { // else that much may be there
		_, err := alloc.MakeSlice[byte](h, 0, math.MaxInt/4)
		require.ErrorIs(t, err, alloc.ErrNoMemory)
	}
}

func TestRefsFindUseAfterFree(t *testing.T) {
	h, err := alloc.NewHeap(nil)
	require.NoError(t, err)
	var refs []alloc.Ref[point]
	for i := range 3000 {
		r, err := alloc.NewRef[point](h)
		require.NoError(t, err)
		v, err := r.Get()
		require.NoError(t, err)
		v.X = float64(i)
		refs = append(refs, r)
	}
	for i := 0; i < len(refs); i += 2 {
		require.NoError(t, refs[i].Free())
	}
	again, err := alloc.NewRef[point](h) // takes the slot of one that was freed
	require.NoError(t, err)
	for i, r := range refs {
		v, err := r.Get()
		if i%2 == 0 {
			require.ErrorIs(t, err, alloc.ErrStale)
			require.ErrorIs(t, r.Free(), alloc.ErrStale)
			continue
		}
		require.NoError(t, err)
		require.EqualValues(t, i, v.X)
		require.NoError(t, r.Free())
	}
	_, err = alloc.Ref[point]{}.Get()
	require.ErrorIs(t, err, alloc.ErrStale)
	require.NoError(t, again.Free())
	require.NoError(t, h.Close())
	_, err = again.Get()
	require.ErrorIs(t, err, alloc.ErrClosed)
	_, err = alloc.NewRef[point](h)
	require.ErrorIs(t, err, alloc.ErrClosed)
}

func TestCacheBelongsToTheHeap(t *testing.T) {
	for name, o := range map[string]*alloc.HeapOptions{"plain": nil, "debug": {Debug: true}, "zero": {Zero: true}} {
		t.Run(name, func(t *testing.T) {
			runtime.LockOSThread() // a second free on another thread may go unnoticed
			defer runtime.UnlockOSThread()
			h, err := alloc.NewHeap(o)
			require.NoError(t, err)
			c, d := h.Cache(), h.Cache()
			var a alloc.Allocator = c
			p, q, big := a.Alloc(100), c.Alloc(100), c.Alloc(1<<20)
			require.NoError(t, d.Free(p))
			require.NoError(t, h.Free(q))
			require.NoError(t, c.Free(big))
			require.Error(t, c.Free(q))
			require.Nil(t, c.Alloc(-1))
			require.NoError(t, c.Close())
			require.NoError(t, c.Close())
			require.Nil(t, c.Alloc(10))
			require.ErrorIs(t, c.Free(p), alloc.ErrClosed)
			require.Zero(t, c.Stats().Live)
			require.NoError(t, h.Close())
			require.Nil(t, d.Alloc(10))
			require.ErrorIs(t, d.Free(p), alloc.ErrClosed)
		})
	}
}

func TestAlignment(t *testing.T) {
	h := newHeap(t, nil)
	for _, bad := range []int{0, -16, 3, 48} {
		require.Nil(t, h.AllocAligned(100, bad))
	}
	for align := 1; align <= 4<<20; align *= 2 {
		for _, n := range []int{1, 100, 5000, 70_000, 3 << 20} {
			p := h.AllocAligned(n, align)
			require.Zero(t, uintptr(p)%uintptr(align))
			require.GreaterOrEqual(t, h.UsableSize(p), n)
			clear(unsafe.Slice((*byte)(p), n))
			require.NoError(t, h.Free(p))
		}
	}
}

func TestRealloc(t *testing.T) {
	h := newHeap(t, nil)
	p := h.Realloc(nil, 10)
	for i, n := range []int{100, 90, 5000, 1 << 20, 200, 1} {
		*(*byte)(p) = byte(i)
		p = h.Realloc(p, n)
		require.EqualValues(t, i, *(*byte)(p))
		require.GreaterOrEqual(t, h.UsableSize(p), n)
	}
	require.Nil(t, h.Realloc(p, -1))
	require.Nil(t, h.Realloc(p, math.MaxInt))
	require.Nil(t, h.Realloc(unsafe.Add(p, 1), 5))
	require.NoError(t, h.Free(p))
}

func TestTrimAndCloseManyHeaps(t *testing.T) {
	for range 100 {
		h, err := alloc.NewHeap(nil)
		require.NoError(t, err)
		var ps []unsafe.Pointer
		for n := 16; n < 100_000; n *= 2 {
			ps = append(ps, h.Alloc(n))
		}
		for _, p := range ps {
			require.NoError(t, h.Free(p))
		}
		require.Positive(t, h.Trim())
		require.Zero(t, h.Stats().Reserved)
		require.NoError(t, h.Close())
		require.Zero(t, h.Trim())
	}
}

func TestCloseWhileOthersAllocate(t *testing.T) {
	h, err := alloc.NewHeap(nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	started := make(chan struct{}, 4)
	for range 4 {
		wg.Go(func() {
			started <- struct{}{}
			for p := h.Alloc(64); p != nil; p = h.Alloc(64) {
				if err := h.Free(p); err != nil {
					require.ErrorIs(t, err, alloc.ErrClosed)
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	_ = h.Close() // the blocks of the moment are leaked
	wg.Wait()
}

func TestProfileIsReadByPprof(t *testing.T) {
	for name, o := range map[string]*alloc.HeapOptions{"sampled": {ProfileRate: 1000}, "debug": {Debug: true}} {
		t.Run(name, func(t *testing.T) {
			h, err := alloc.NewHeap(o)
			require.NoError(t, err)
			for range 2000 {
				leakFrom(h)
				require.NoError(t, h.Free(h.Alloc(100)))
			}
			var b bytes.Buffer
			require.NoError(t, h.Profile(&b))
			file := filepath.Join(t.TempDir(), "alloc.pb.gz")
			require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
			out, err := exec.Command("go", "tool", "pprof", "-top", "-sample_index=inuse_space", "-unit=b", file).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "alloc_test.leakFrom")
			var leak *alloc.LeakError
			require.ErrorAs(t, h.Close(), &leak)
			z, err := gzip.NewReader(&b)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, z)
			require.NoError(t, err)
		})
	}
	require.ErrorIs(t, newHeap(t, nil).Profile(io.Discard), alloc.ErrConfig)
	_, err := alloc.NewHeap(&alloc.HeapOptions{ProfileRate: -1})
	require.ErrorIs(t, err, alloc.ErrConfig)
}

//go:noinline
func leakFrom(h *alloc.Heap) { h.Alloc(200) }

func TestLockedWrapsAnyAllocator(t *testing.T) {
	l := alloc.NewLocked(newHeap(t, nil))
	p := l.Alloc(10)
	require.EqualValues(t, 1, l.Stats().Blocks)
	require.NoError(t, l.Free(p))
}

func TestStatsTellOfFragmentation(t *testing.T) {
	h := newHeap(t, nil)
	var ps []unsafe.Pointer
	for range 20_000 {
		ps = append(ps, h.Alloc(270)) // of 288
	}
	s := h.Stats()
	require.InDelta(t, 1-270.0/288, s.Internal(), 0.001)
	require.GreaterOrEqual(t, s.Resident, s.Live)
	require.LessOrEqual(t, s.Resident, s.Reserved)
	m := h.Map()
	size, used := m.Total()
	require.Equal(t, s.Live, used)
	require.GreaterOrEqual(t, size, s.Reserved)
	for _, p := range ps {
		require.NoError(t, h.Free(p))
	}
	require.Positive(t, h.Stats().Cached+h.Stats().Free)
	require.GreaterOrEqual(t, h.Stats().External(), 0.0)
}

func ExampleNewRef() {
	h, _ := alloc.NewHeap(nil)
	defer h.Close()
	r, _ := alloc.NewRef[point](h)
	v, _ := r.Get()
	v.X = 3
	_ = r.Free()
	_, err := r.Get()
	fmt.Println(err)
	// Output: alloc: reference to a value that was freed
}
