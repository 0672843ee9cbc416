package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestBinsFindTheClosestRun(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	b := bins{kind: 1}
	model := map[*segment]int{}
	var all []*segment
	for range 50 {
		all = append(all, new(segment))
	}
	for range 5000 {
		s := all[r.IntN(len(all))]
		if r.IntN(4) == 0 {
			b.remove(s)
			delete(model, s)
		} else {
			model[s] = r.IntN(numSlices + 1)
			b.place(s, model[s])
		}
		n := 1 + r.IntN(numSlices)
		least := 0
		for _, have := range model {
			if have >= n && (least == 0 || have < least) {
				least = have
			}
		}
		if found := b.find(n); found == nil {
			require.Zero(t, least)
		} else {
			require.Equal(t, least, model[found])
		}
	}
}

// drainLocals puts all pages on the central lists.
func (e *Engine) drainLocals() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flush(nil)
	for l := range e.locals {
		e.drain(l)
	}
}

func TestMemoryOfFreeLargeBlocksGoesBack(t *testing.T) {
	e := newEngine(t, Config{Decay: time.Hour})
	const size = 12 << 10
	var live []tracked
	for i := range 40 {
		live = append(live, newTracked(e.Alloc(size), size, uint64(i)<<32))
	}
	for i := 0; i < len(live); i += 2 {
		require.NoError(t, e.Free(live[i].p))
	}
	e.drainLocals()
	thinned := func() (n int) {
		e.tick()
		e.mu.Lock()
		defer e.mu.Unlock()
		for i, b := range live {
			pg := pageOf(uintptr(b.p))
			block, ok := pg.blockAt(uintptr(b.p))
			if !ok {
				require.Zero(t, i%2, "the page of a live block is gone")
				continue
			}
			if pg.freed().thinned>>block&1 != 0 {
				require.Zero(t, i%2, "a live block")
				n++
			}
		}
		return n
	}
	require.Zero(t, thinned(), "not at the first tick")
	require.Greater(t, thinned(), 10)
	for i := range live {
		if i%2 == 0 {
			live[i] = newTracked(e.Alloc(size), size, uint64(i)<<40)
		}
	}
	for _, b := range live {
		require.True(t, b.intact())
		require.NoError(t, e.Free(b.p))
	}
}

func TestNextClassesServeWhereAClassHasNoPage(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	l := e.NewLocal()
	defer e.CloseLocal(l)
	c := classOf(9000)
	larger := l.Alloc(ClassSize(int(c) + 1))
	p := l.Alloc(9000)
	require.Equal(t, pageOf(uintptr(larger)), pageOf(uintptr(p)))
	small := l.Alloc(100)
	smaller := l.Alloc(90)
	require.NotEqual(t, pageOf(uintptr(small)), pageOf(uintptr(smaller)))
	for _, p := range []unsafe.Pointer{larger, p, small, smaller} {
		require.NoError(t, l.Free(p))
	}
}

func TestLocalOwnsFewPagesOfLargeBlocks(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	l := e.NewLocal()
	defer e.CloseLocal(l)
	var ps []unsafe.Pointer
	for range 20 {
		for c := range NumClasses {
			if ClassSize(c) >= largeMin {
				ps = append(ps, l.Alloc(ClassSize(c)))
			}
		}
	}
	owned := map[*page]bool{}
	count := func() int {
		clear(owned)
		for _, p := range ps {
			if pg := pageOf(uintptr(p)); pg.owner.Load() == l.id {
				owned[pg] = true
			}
		}
		return len(owned)
	}
	require.LessOrEqual(t, count(), len(l.ring))
	for _, p := range ps {
		require.NoError(t, l.Free(p))
	}
	require.LessOrEqual(t, count(), len(l.ring)+len(l.adoptedLarge.pages))
}

func TestRemoteFreesAreCollectedAndSeenTwice(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	a, b := e.NewLocal(), e.NewLocal()
	defer e.CloseLocal(a)
	defer e.CloseLocal(b)
	const size = 512
	var ps []unsafe.Pointer
	first := a.Alloc(size)
	pg := pageOf(uintptr(first))
	for ps = append(ps, first); len(ps) < int(pg.blocks); {
		ps = append(ps, a.Alloc(size))
	}
	for _, p := range ps[:10] {
		require.NoError(t, b.Free(p))
		require.ErrorIs(t, b.Free(p), ErrDoubleFree)
		require.ErrorIs(t, a.Free(p), ErrDoubleFree, "the owner looks at what others freed")
		require.ErrorIs(t, b.Free(unsafe.Add(p, 16)), ErrForeign)
	}
	require.True(t, pg.hasRemote())
	again := map[unsafe.Pointer]bool{}
	for range 10 {
		again[a.Alloc(size)] = true
	}
	for _, p := range ps[:10] {
		require.True(t, again[p])
	}
	for _, p := range ps {
		require.NoError(t, a.Free(p))
	}
}

func TestBlocksOfSharedPagesAreFreedOnce(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	a, b := e.NewLocal(), e.NewLocal()
	defer e.CloseLocal(b)
	p, q := a.Alloc(512), a.Alloc(512)
	require.NoError(t, a.Free(p))
	e.CloseLocal(a)
	require.NotZero(t, pageOf(uintptr(p)).freed().state.Load()&sharedMark)
	require.ErrorIs(t, b.Free(p), ErrDoubleFree)
	require.ErrorIs(t, e.Free(p), ErrDoubleFree)
	require.NoError(t, b.Free(q))
}

func TestBogusFreeOfWhatWasNeverHandedOut(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	a, b := e.NewLocal(), e.NewLocal()
	defer e.CloseLocal(a)
	defer e.CloseLocal(b)
	const size = 64
	p := a.Alloc(size)
	pg := pageOf(uintptr(p))
	never := at(pg.start + uintptr(pg.fresh+5)*size)
	require.ErrorIs(t, a.Free(never), ErrForeign)
	_ = b.Free(never) // another thread's may go unnoticed, and must do no harm
	seen := map[unsafe.Pointer]bool{p: true}
	for range int(pg.blocks) - 1 {
		q := a.Alloc(size)
		require.False(t, seen[q], "handed out twice")
		seen[q] = true
	}
	for q := range seen {
		require.NoError(t, a.Free(q))
	}
}

func TestLocalHoldsFewerPagesOnceTheHeapIsLarge(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	a, b := e.NewLocal(), e.NewLocal()
	defer e.CloseLocal(a)
	defer e.CloseLocal(b)
	const size, pages = 960, 2 * numAdopted
	var ps []unsafe.Pointer
	// fill returns blocks of full pages, one of each, and the others.
	fill := func() []unsafe.Pointer {
		var firsts []unsafe.Pointer
		for len(firsts) < pages {
			p := a.Alloc(size)
			if pg := pageOf(uintptr(p)); len(firsts) == 0 || pageOf(uintptr(firsts[len(firsts)-1])) != pg {
				firsts = append(firsts, p)
			} else {
				ps = append(ps, p)
			}
		}
		return append(firsts, a.Alloc(size)) // the last page need not be full
	}
	owned := func(all ...[]unsafe.Pointer) int {
		pages := map[*page]bool{}
		for _, p := range slices.Concat(all...) {
			if pg := pageOf(uintptr(p)); pg.owner.Load() == b.id {
				pages[pg] = true
			}
		}
		return len(pages)
	}
	first := fill()
	for _, p := range first[:pages-1] {
		require.NoError(t, b.Free(p))
	}
	require.Equal(t, pages-1, owned(first[:pages-1]), "the heap is small")

	var large []unsafe.Pointer
	for range fewSegments {
		large = append(large, e.Alloc(maxSpan), e.Alloc(maxSpan))
	}
	second := fill()
	for _, p := range second[:pages-1] {
		require.NoError(t, b.Free(p))
	}
	require.Equal(t, pages-1, owned(first[:pages-1], second[:pages-1]), "as many as before")
	for range pages {
		ps = append(ps, b.Alloc(size)) // makes a page full
	}
	third := fill()
	for _, p := range third[:pages-1] {
		require.NoError(t, b.Free(p))
	}
	require.LessOrEqual(t, owned(first, second, third), numAdopted+1)
	for _, p := range slices.Concat(ps, large, first[pages-1:], second[pages-1:], third[pages-1:]) {
		require.NoError(t, e.Free(p))
	}
}
