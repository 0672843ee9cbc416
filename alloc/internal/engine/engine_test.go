package engine

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

var soak = flag.Duration("soak", 0, "how long TestSoak runs; 0: a second, or less with -short")

func newEngine(t *testing.T, c Config) *Engine {
	t.Helper()
	if c.Decay == 0 {
		c.Decay = 10 * time.Millisecond
	}
	e, err := New(c)
	require.NoError(t, err)
	t.Cleanup(func() {
		blocks, bytes := e.Close()
		require.Zero(t, blocks)
		require.Zero(t, bytes)
	})
	return e
}

func TestClassesAreTheSmallestThatFit(t *testing.T) {
	for n := 1; n <= MaxSmall; n++ {
		c := int(classOf(n))
		if ClassSize(c) < n || ClassSize(c)%quantum != 0 || c > 0 && ClassSize(c-1) >= n {
			t.Fatalf("%d bytes are in class %d of %d bytes", n, c, ClassSize(c))
		}
	}
	require.Len(t, sizes, NumClasses)
	require.EqualValues(t, NumClasses-1, classOf(MaxSmall))
	for c := range NumClasses {
		require.LessOrEqual(t, min(spanSlices(c)*sliceSize/ClassSize(c), maxBlocks), math.MaxUint16)
		require.Less(t, headerSlices+spanSlices(c), numSlices)
	}
}

func TestPartsOfHeadersBeginALine(t *testing.T) {
	var p page
	require.Zero(t, unsafe.Offsetof(p.held)%lineSize)
	require.Zero(t, unsafe.Sizeof(p)%lineSize)
	require.Zero(t, unsafe.Sizeof(freed{})%lineSize)
	require.LessOrEqual(t, unsafe.Offsetof(p.local)+smallWords*8, uintptr(freedSmall))
	require.Equal(t, unsafe.Offsetof(p.held)/lineSize, (unsafe.Offsetof(p.local)+2*8-1)/lineSize)
	require.LessOrEqual(t, freedSmall+unsafe.Offsetof(freed{}.remote)+smallWords*8, uintptr(smallLines*lineSize))
	require.LessOrEqual(t, unsafe.Sizeof(segmentHeader{}), uintptr(smallLines*lineSize))
	require.LessOrEqual(t, unsafe.Sizeof(p)+unsafe.Sizeof(freed{}), uintptr(largeLines*lineSize))
}

func TestBlocksAreFoundWithFewBits(t *testing.T) {
	for c := range NumClasses {
		var p page
		size := ClassSize(c)
		p.setBlocks(uint(c), size)
		blocks := min(spanSlices(c)*sliceSize/size, maxBlocks)
		for x := range uint64(blocks * size) {
			q := x * uint64(p.inv)
			if starts := x%uint64(size) == 0; starts != (uint32(q) < p.inv) || q>>32 != x/uint64(size) {
				t.Fatalf("byte %d of a page of blocks of %d is found at %d of block %d", x, size, uint32(q), q>>32)
			}
		}
	}
}

// TestNoPairOfLinesHasTwoWriters looks at pages with few blocks and with many.
func TestNoPairOfLinesHasTwoWriters(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	l := e.NewLocal()
	defer e.CloseLocal(l)
	var ps []unsafe.Pointer
	pages := map[*page]bool{}
	for _, size := range []int{16, 16, 400, 1000, 400, 1000, 400} {
		for target := len(pages) + 5; len(pages) < target; {
			p := l.Alloc(size)
			ps = append(ps, p)
			pages[pageOf(uintptr(p))] = true
		}
	}
	writers := map[uintptr]string{} // of pairs of lines
	for pg := range pages {
		words := (uintptr(pg.blocks) + 63) / 64 * 8
		at, f := uintptr(unsafe.Pointer(pg)), uintptr(unsafe.Pointer(pg.freed()))
		for who, part := range map[string][2]uintptr{
			fmt.Sprint("owner of ", at):        {at, at + unsafe.Offsetof(pg.local) + words},
			fmt.Sprint("others than that", at): {f, f + unsafe.Offsetof(pg.freed().remote) + words},
		} {
			for pair := part[0] / (2 * lineSize); pair*2*lineSize < part[1]; pair++ {
				require.Empty(t, writers[pair], who)
				writers[pair] = who
			}
		}
	}
	for _, p := range ps {
		require.NoError(t, l.Free(p))
	}
}

func TestRunsOfBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		w := r.Uint64() | r.Uint64()&r.Uint64()
		longest := 0
		for i := 0; i < 64; {
			n := bits.TrailingZeros64(^(w >> i))
			longest = max(longest, min(n, 64-i))
			i += n + 1
		}
		require.Equal(t, longest, longestRun(w), "%b", w)
		for _, n := range []int{1, 2, 3, 7, 8, 32} {
			for i := range 64 - n {
				if (w&mask(i, n) == mask(i, n)) != (runs(w, n)>>i&1 != 0) {
					t.Fatalf("runs(%b, %d) is wrong at bit %d", w, n, i)
				}
			}
		}
	}
}

// A tracked block is filled with its number, which no other live one has.
type tracked struct {
	p unsafe.Pointer
	n int
	v uint64
}

func (b tracked) words() []uint64 { return unsafe.Slice((*uint64)(b.p), b.n/8) }

func newTracked(p unsafe.Pointer, n int, v uint64) tracked {
	b := tracked{p, n, v}
	for i := range b.words() {
		b.words()[i] = v + uint64(i)
	}
	return b
}

func (b tracked) intact() bool {
	for i, w := range b.words() {
		if w != b.v+uint64(i) {
			return false
		}
	}
	return true
}

// churner allocates and frees at random, and passes blocks on to others.
func churner(t *testing.T, e *Engine, seed uint64, local bool, pass chan tracked, stop *atomic.Bool) {
	r := rand.New(rand.NewPCG(seed, 7))
	var l *Local
	if local {
		l = e.NewLocal()
		defer e.CloseLocal(l)
	}
	var live []tracked
	drop := func(b tracked) {
		if !b.intact() {
			t.Errorf("block of %d bytes was overwritten", b.n)
		}
		free := e.Free
		if l != nil && r.IntN(2) == 0 {
			free = func(p unsafe.Pointer) error { return l.Free(p) }
		}
		if err := free(b.p); err != nil {
			t.Error(err)
		}
	}
	least, doublings := 50, 9
	if seed%2 == 0 {
		doublings = 4 // more operations, since filling blocks takes less time
	}
	alike := seed%3 == 0 // one class, whose pages are full most of the time
	if alike {
		least = 3000
	}
	most := least + r.IntN(400)
	for i := uint64(0); !stop.Load(); i++ {
		n := 8 + r.IntN(1<<(4+r.IntN(doublings)))
		if r.IntN(500) == 0 {
			n = r.IntN(200 << 10)
		}
		if r.IntN(20_000) == 0 {
			n = r.IntN(5 << 20)
		}
		n = max(n, 8)
		if alike && r.IntN(100) != 0 {
			n = 16 << (seed % 4)
		}
		var p unsafe.Pointer
		if l != nil {
			p = l.Alloc(n)
		} else {
			p = e.Alloc(n)
		}
		if p == nil {
			t.Error("no memory")
			return
		}
		live = append(live, newTracked(p, n, seed<<48|i<<16))
		for len(live) > most {
			k := r.IntN(len(live))
			b := live[k]
			live[k] = live[len(live)-1]
			live = live[:len(live)-1]
			select {
			case pass <- b:
			case other := <-pass:
				drop(other)
				drop(b)
			default:
				drop(b)
			}
		}
		if i%5000 == 0 {
			most = least + r.IntN(400)
			runtime.Gosched()
		}
	}
	for _, b := range live {
		drop(b)
	}
}

// TestSoak runs everything at once: blocks that change hands, collections, changes
// of the number of processors, Trim and Stats.
func TestSoak(t *testing.T) {
	d := *soak
	if d == 0 {
		if d = time.Second; testing.Short() {
			d = 200 * time.Millisecond
		}
	}
	e := newEngine(t, Config{})
	procs := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(procs)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	pass := make(chan tracked, 256)
	var stop atomic.Bool
	var workers sync.WaitGroup
	for i := range 6 {
		workers.Go(func() { churner(t, e, seed%60000+uint64(i), i%3 == 2, pass, &stop) })
	}
	pace := time.NewTicker(2 * time.Millisecond) // or most of the time goes into what disturbs
	defer pace.Stop()
	for start, i := time.Now(), 0; time.Since(start) < d; i++ {
		switch i % 4 {
		case 0:
			runtime.GC()
		case 1:
			runtime.GOMAXPROCS(1 + i/4%4)
		case 2:
			e.Trim()
		case 3:
			e.Stats()
			e.Spans()
		}
		<-pace.C
	}
	stop.Store(true)
	workers.Wait()
	close(pass)
	for b := range pass {
		require.True(t, b.intact())
		require.NoError(t, e.Free(b.p))
	}
	s := e.Stats()
	require.Zero(t, s.Live)
	require.Zero(t, s.Blocks)
	require.Equal(t, s.Allocs, s.Frees)
	t.Logf("%d operations", s.Allocs+s.Frees)
	e.Trim()
	require.Zero(t, e.Stats().Segments)
	require.Zero(t, e.Stats().Reserved)
}

func TestMemoryGoesBackByItself(t *testing.T) {
	e := newEngine(t, Config{Decay: time.Millisecond})
	var ps []unsafe.Pointer
	for range 3000 {
		ps = append(ps, e.Alloc(5000))
	}
	for _, p := range ps {
		require.NoError(t, e.Free(p))
	}
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.threads.joined == 0 && !e.armed || raceDetector && e.threads.joined == 0
	}, time.Minute, time.Millisecond, "threads that do nothing give up what they hold")
	require.LessOrEqual(t, e.Stats().Live, int64(0))
}

func TestFullPageGoesToWhoFreesFirst(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	a, b := e.NewLocal(), e.NewLocal()
	defer e.CloseLocal(a)
	defer e.CloseLocal(b)
	const size = 1024
	var ps []unsafe.Pointer
	for pg := (*page)(nil); ; {
		p := a.Alloc(size)
		if pg == nil {
			pg = pageOf(uintptr(p))
		}
		ps = append(ps, p)
		if pageOf(uintptr(p)) != pg {
			break // a has gone on to the next page
		}
	}
	first := pageOf(uintptr(ps[0]))
	require.Zero(t, first.owner.Load())
	require.NoError(t, b.Free(ps[0]))
	require.Equal(t, b.id, first.owner.Load())
	require.Equal(t, ps[0], b.Alloc(size))
	require.NoError(t, a.Free(ps[1])) // remote: b owns the page
	require.True(t, first.hasRemote())
	for _, p := range append(ps[:1], ps[2:]...) {
		require.NoError(t, b.Free(p))
	}
}

func TestClosedLocalLeavesItsPagesToOthers(t *testing.T) {
	e := newEngine(t, Config{Decay: -1})
	l := e.NewLocal()
	keep := l.Alloc(100)
	gone := l.Alloc(200)
	require.NoError(t, l.Free(gone))
	e.CloseLocal(l)
	e.CloseLocal(l)
	require.Nil(t, l.Alloc(100))
	require.Nil(t, l.Alloc(1<<20))
	require.ErrorIs(t, l.Free(keep), ErrClosed)
	require.EqualValues(t, 1, e.Stats().Classes[classOf(100)].Pages)
	require.Zero(t, e.Stats().Classes[classOf(200)].Pages)
	p := e.Alloc(100)
	require.Equal(t, pageOf(uintptr(keep)), pageOf(uintptr(p)), "the page is used on")
	require.NoError(t, e.Free(p))
	require.NoError(t, e.Free(keep))
}

func TestRefusedMappingLeavesTheHeapUsable(t *testing.T) {
	var refuse atomic.Bool
	e := newEngine(t, Config{Map: func(n, align int) (sysmem.Region, error) {
		if refuse.Load() {
			return sysmem.Region{}, errors.New("refused")
		}
		return sysmem.Map(n, align)
	}})
	refuse.Store(true)
	for _, n := range []int{1, 1000, MaxSmall, MaxSmall + 1, 64 << 20} {
		require.Nil(t, e.Alloc(n), "%d bytes", n)
	}
	require.EqualValues(t, 5, e.Stats().Failed)
	refuse.Store(false)
	p, q := e.Alloc(1000), e.Alloc(64<<20)
	require.NotNil(t, p)
	require.NotNil(t, q)
	refuse.Store(true)
	r := e.Alloc(1000)
	require.NotNil(t, r, "there is room in the segment")
	for _, p := range []unsafe.Pointer{p, q, r} {
		require.NoError(t, e.Free(p))
	}
}

// model is a plain heap: no block may overlap another.
func FuzzOperations(f *testing.F) {
	f.Add([]byte("\x00\x10\x05\x01\x80\x07\xff\x00\x03"))
	f.Add([]byte{0, 1, 2, 3, 250, 251, 252, 253, 9, 9, 9, 9})
	f.Fuzz(func(t *testing.T, ops []byte) {
		runtime.LockOSThread() // a second free on another thread may go unnoticed
		defer runtime.UnlockOSThread()
		e, err := New(Config{Limit: 8 << 20, Decay: -1})
		require.NoError(t, err)
		var live []tracked
		for i, op := range ops[:min(len(ops), 2000)] {
			switch {
			case op < 150:
				n := 8 << (op % 18)
				n += int(op) * n / 160
				if p := e.AllocAligned(n, 1<<(op%13)); p != nil {
					require.Zero(t, uintptr(p)%(1<<(op%13)))
					live = append(live, newTracked(p, n, uint64(i)<<32))
				}
			case op < 240 && len(live) > 0:
				k := int(op) * 7 % len(live)
				require.True(t, live[k].intact())
				require.NoError(t, e.Free(live[k].p))
				require.Error(t, e.Free(live[k].p))
				live = append(live[:k], live[k+1:]...)
			case op >= 250 && len(live) > 0:
				require.Error(t, e.Free(unsafe.Add(live[0].p, 8)))
			default:
				e.Trim()
			}
			s := e.Stats()
			require.EqualValues(t, len(live), s.Blocks)
			require.LessOrEqual(t, s.Reserved, int64(8<<20))
		}
		for _, b := range live {
			require.True(t, b.intact())
		}
		blocks, _ := e.Close()
		require.EqualValues(t, len(live), blocks)
		require.Nil(t, e.Alloc(10))
		require.True(t, errors.Is(e.Free(unsafe.Pointer(&ops)), ErrClosed))
	})
}
