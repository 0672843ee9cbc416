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
	const size = stashBytes / stashSize
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

// sharedPages returns blocks of pages that nobody owns, which have a few free ones too.
func sharedPages(e *Engine, size, pages int) []unsafe.Pointer {
	l := e.NewLocal()
	defer e.CloseLocal(l)
	var kept []unsafe.Pointer
	for i, p := range fillPages(l, size, pages) {
		if i%16 != 0 {
			kept = append(kept, p)
		} else if err := l.Free(p); err != nil {
			panic(err)
		}
	}
	return kept
}

func TestBlocksOfSharedPagesAreStashedUntilTheEbb(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	l := e.NewLocal()
	defer e.CloseLocal(l)
	const size = stashBytes / stashSize
	ps := sharedPages(e, size, 3)
	s := &l.stashes[classOf(size)]
	for i, p := range ps[:stashSize] {
		require.NoError(t, l.Free(p))
		require.ErrorIs(t, l.Free(p), ErrDoubleFree)
		require.EqualValues(t, i+1, s.n)
	}
	pg := pageOf(uintptr(ps[0]))
	before := pg.unused()
	require.NoError(t, l.Free(ps[stashSize]))
	require.EqualValues(t, stashSize, s.n, "there is no room")
	require.Equal(t, before+1, pg.unused())
	require.ErrorIs(t, l.Free(ps[stashSize]), ErrDoubleFree)

	const used = 3
	slow := ps[stashSize+1:] // to free one of them calls ebb
	e.ticks.Add(1)
	require.NoError(t, l.Free(slow[0]))
	require.EqualValues(t, stashSize, s.n, "since when they are here is not known")
	for range used {
		require.EqualValues(t, size, e.UsableSize(at(l.unstash(classOf(size)))))
	}
	e.ticks.Add(1)
	require.NoError(t, l.Free(slow[1])) // is stashed
	require.EqualValues(t, 1, s.n, "only what came since is left")
	for _, p := range ps[:stashSize-used] {
		require.ErrorIs(t, l.Free(p), ErrDoubleFree)
	}
	for _, p := range append(ps[stashSize-used:stashSize:stashSize], slow[2:]...) {
		require.NoError(t, l.Free(p))
	}
}

func TestBlocksOfOneMarkAreNotStashedTogether(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	l := e.NewLocal()
	defer e.CloseLocal(l)
	ps := sharedPages(e, 16, 8)
	type mark struct {
		word *uint64
		bit  uint64
	}
	first := map[mark]unsafe.Pointer{}
	for i, p := range ps {
		word, bit := l.stashed.of(uintptr(p))
		q := first[mark{word, bit}]
		if q == nil {
			first[mark{word, bit}] = p
			continue
		}
		require.NoError(t, l.Free(q))
		require.NoError(t, l.Free(p))
		require.EqualValues(t, 1, l.stashes[0].n)
		require.ErrorIs(t, l.Free(q), ErrDoubleFree)
		require.ErrorIs(t, l.Free(p), ErrDoubleFree)
		require.Equal(t, uintptr(q), l.unstash(0))
		require.Zero(t, *word&bit)
		for _, r := range ps[:i] {
			require.NoError(t, l.Free(r))
		}
		for _, r := range ps[i+1:] {
			require.NoError(t, l.Free(r))
		}
		return
	}
	t.Error("no two blocks have one mark")
}
