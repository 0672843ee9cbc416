package engine

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// spareSome makes l give up pages of blocks of size bytes, and returns the blocks that
// were on them, freed, and how many pages are spare now.
func spareSome(t *testing.T, e *Engine, l *Local, size int) ([]unsafe.Pointer, int) {
	other := e.NewLocal()
	ps := fillPages(other, size, 8)
	for _, p := range ps {
		require.NoError(t, l.Free(p))
	}
	e.CloseLocal(other)
	n := e.central[classOf(size)].spares.n
	require.NotZero(t, n)
	return ps, n
}

func TestSparePagesGoRound(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	l := e.NewLocal()
	defer e.CloseLocal(l)
	const size = 1024
	ps, n := spareSome(t, e, l, size)
	class := &e.central[classOf(size)]
	require.LessOrEqual(t, n*int(class.spares.head.slices)*sliceSize, maxSpare)
	for pg := class.spares.head; pg != nil; pg = pg.next {
		require.Zero(t, pg.liveNow())
	}
	for _, p := range ps {
		require.ErrorIs(t, l.Free(p), ErrDoubleFree)
		require.Zero(t, e.UsableSize(p))
	}
	require.Zero(t, e.Stats().Blocks)
	head, other := class.spares.head, e.NewLocal()
	defer e.CloseLocal(other)
	p := other.Alloc(size)
	require.Equal(t, head, pageOf(uintptr(p)), "the last one comes first")
	require.Equal(t, n-1, class.spares.n)
	require.NoError(t, other.Free(p))
}

func TestSparePagesAreReleased(t *testing.T) {
	const size = 1024
	release := map[string]func(t *testing.T, e *Engine){
		"by a new segment": func(t *testing.T, e *Engine) {
			segments := e.Stats().Segments
			var ps []unsafe.Pointer
			for e.Stats().Segments == segments {
				ps = append(ps, e.Alloc(maxSpan))
			}
			for _, p := range ps {
				require.NoError(t, e.Free(p))
			}
		},
		"by the limit": func(t *testing.T, e *Engine) {
			var ps []unsafe.Pointer
			for p := e.Alloc(MaxSmall + 1); p != nil; p = e.Alloc(MaxSmall + 1) {
				ps = append(ps, p)
			}
			for _, p := range ps {
				require.NoError(t, e.Free(p))
			}
		},
		"by Trim": func(t *testing.T, e *Engine) { e.Trim() },
		"by ticks": func(t *testing.T, e *Engine) {
			e.tick()
			class := &e.central[classOf(size)]
			n := class.spares.n
			require.NotZero(t, n, "since when it is there is not known")
			class.mu.Lock()
			pg := class.unspare(class.spares.head)
			require.True(t, class.spare(pg))
			class.mu.Unlock()
			e.tick()
			require.Equal(t, 1, class.spares.n, "the others were there all the time")
			if !raceDetector { // with it, the memory is Go's
				require.Zero(t, e.pages.dirty, "their memory was not needed since the tick before")
			}
			e.tick()
		},
	}
	for name, f := range release {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, Config{Decay: -1, Limit: 4 << 20})
			l := e.NewLocal()
			defer e.CloseLocal(l)
			spareSome(t, e, l, size)
			f(t, e)
			require.Zero(t, e.central[classOf(size)].spares.n)
		})
	}
}
