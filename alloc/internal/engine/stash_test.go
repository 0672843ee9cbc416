package engine

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// fillPages returns blocks that fill some pages, of which the last one is not full.
func fillPages(l *Local, size, pages int) []unsafe.Pointer {
	var ps []unsafe.Pointer
	for seen := map[*page]bool{}; len(seen) <= pages; {
		p := l.Alloc(size)
		ps = append(ps, p)
		seen[pageOf(uintptr(p))] = true
	}
	return ps
}

func TestBlocksOfFullPagesAreStashed(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	a, b := e.NewLocal(), e.NewLocal()
	defer e.CloseLocal(a)
	defer e.CloseLocal(b)
	const size = 512
	ps := fillPages(a, size, 3)
	b.stashes[classOf(size)].quick = minQuick
	for _, p := range ps[:stashSize] {
		require.NoError(t, b.Free(p))
		require.ErrorIs(t, b.Free(p), ErrDoubleFree)
		require.ErrorIs(t, b.Free(unsafe.Add(p, 16)), ErrForeign)
	}
	s := e.Stats()
	require.EqualValues(t, len(ps)-stashSize, s.Blocks)
	require.EqualValues(t, (len(ps)-stashSize)*size, s.Live)
	require.EqualValues(t, stashSize, s.Frees)
	require.Zero(t, pageOf(uintptr(ps[0])).unused(), "the page does not know")
	for i := stashSize - 1; i >= 0; i-- {
		require.Equal(t, ps[i], b.Alloc(size), "the last one comes first")
	}
	require.EqualValues(t, len(ps)+stashSize, e.Stats().Allocs)
	first := pageOf(uintptr(ps[0]))
	for _, p := range ps[:stashSize+1] {
		require.Zero(t, first.owner.Load())
		require.NoError(t, b.Free(p))
	}
	require.Equal(t, b.id, first.owner.Load(), "there was no room")
	require.Zero(t, b.stashes[classOf(size)].n, "they go where l owns the page")
	for _, p := range ps[:stashSize+1] {
		require.ErrorIs(t, b.Free(p), ErrDoubleFree)
	}
	for range ps[:stashSize+1] {
		require.Equal(t, first, pageOf(uintptr(b.Alloc(size))))
	}
	other := ps[first.blocks]
	require.NoError(t, b.Free(other))
	require.Zero(t, pageOf(uintptr(other)).unused())
	e.CloseLocal(b)
	require.EqualValues(t, 1, pageOf(uintptr(other)).unused(), "it goes back with who has it")
	ps[first.blocks] = a.Alloc(size)
	for _, p := range ps {
		require.NoError(t, a.Free(p))
	}
}

// TestStashOfAThread replaces blocks of pages that are all full on one thread.
func TestStashOfAThread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	e := newEngine(t, Config{Decay: -1})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 5))
	var live []tracked
	for i := range 5000 {
		live = append(live, newTracked(e.Alloc(64), 64, uint64(i)<<32))
	}
	for i := range 20_000 {
		k := r.IntN(len(live))
		require.True(t, live[k].intact())
		p := live[k].p
		require.NoError(t, e.Free(p))
		if i%16 == 0 {
			require.ErrorIs(t, e.Free(p), ErrDoubleFree)
			require.Zero(t, e.UsableSize(p))
			require.EqualValues(t, len(live)-1, e.Stats().Blocks)
		}
		if i%1000 == 0 {
			e.Trim()
			require.ErrorIs(t, e.Free(p), ErrDoubleFree)
		}
		live[k] = newTracked(e.Alloc(64), 64, uint64(i)<<40)
	}
	for _, b := range live {
		require.True(t, b.intact())
		require.NoError(t, e.Free(b.p))
	}
	used := uint64(0)
	e.eachLocal(func(l *Local) { used += l.stashes[classOf(64)].allocs })
	require.NotZero(t, used, "nothing was stashed since the last Trim")
	e.Trim()
	require.Zero(t, e.Stats().Reserved)
}
