package arena_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/arena"
)

func TestAllocErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		n    int
		want error
	}{
		{"negative", 64, -1, alloc.ErrSize},
		{"most negative", 64, math.MinInt, alloc.ErrSize},
		{"one too many", 64, 65, alloc.ErrNoMemory},
		{"offset would overflow", 64, math.MaxInt, alloc.ErrNoMemory},
		{"empty arena", 0, 1, alloc.ErrNoMemory},
		{"negative arena", -5, 1, alloc.ErrNoMemory},
		{"impossible arena", math.MaxInt, 1, alloc.ErrNoMemory},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := arena.NewArena(c.size)
			if c.size > 0 && c.size < math.MaxInt {
				_, err := a.Alloc(8)
				require.NoError(t, err)
			}
			_, err := a.Alloc(c.n)
			require.ErrorIs(t, err, c.want)
			b, err := a.Alloc(0)
			require.NoError(t, err, "still usable")
			require.Empty(t, b)
		})
	}
}

func TestSlicesDoNotTouchEachOther(t *testing.T) {
	a := arena.NewArena(64)
	x, err := a.Alloc(3)
	require.NoError(t, err)
	y, err := a.Alloc(8)
	require.NoError(t, err)
	copy(y, "neighbor")
	_ = append(x, "overflow"...)
	require.Equal(t, "neighbor", string(y))
	require.Zero(t, uintptr(unsafe.Pointer(&y[0]))%8)
	require.Equal(t, 16, a.Used())
}

func TestMemoryIsZeroedAfterReset(t *testing.T) {
	a := arena.NewArena(16)
	b, _ := a.Alloc(16)
	copy(b, bytes.Repeat([]byte{0xff}, 16))
	a.Reset()
	require.Zero(t, a.Used())
	b, err := a.Alloc(16)
	require.NoError(t, err)
	require.Equal(t, make([]byte, 16), b)
	require.Equal(t, 16, a.Size())
}

func TestOddSizeIsUsedToTheLastByte(t *testing.T) {
	a := arena.NewArena(13)
	_, err := a.Alloc(8)
	require.NoError(t, err)
	_, err = a.Alloc(5)
	require.NoError(t, err)
	_, err = a.Alloc(1)
	require.ErrorIs(t, err, alloc.ErrNoMemory)
}

// all returns an arena of every kind, with 64 KiB where it has a size.
func all(t *testing.T) map[string]*arena.Arena {
	arenas := map[string]*arena.Arena{"fixed": arena.NewArena(64 << 10), "growing": arena.NewGrowing(1000)}
	for name, o := range map[string]*arena.Options{
		"off-heap":      {OffHeap: true},
		"off-heap grow": {OffHeap: true, Growing: true, Chunk: 5000},
		"debug":         {Debug: true},
		"debug grow":    {Debug: true, Growing: true, Chunk: 3000, Limit: 1 << 20},
	} {
		a, err := arena.Open(o)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, a.Close()) })
		arenas[name] = a
	}
	return arenas
}

// TestRandomOperations compares arenas with a list of what is allocated.
func TestRandomOperations(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for name, a := range all(t) {
		t.Run(name, func(t *testing.T) { churn(t, a, rand.New(rand.NewPCG(seed, 1)), 3000) })
	}
}

func churn(t *testing.T, a *arena.Arena, r *rand.Rand, ops int) {
	type point struct {
		mark arena.Mark
		live int
		used int
	}
	var live [][]byte
	var marks []point
	check := func() {
		for i, b := range live {
			for _, c := range b {
				if c != byte(i+1) {
					t.Fatal("memory was overwritten")
				}
			}
		}
	}
	for range ops {
		switch k := r.IntN(40); {
		case k == 0:
			check()
			a.Reset()
			live, marks = nil, nil
			require.Zero(t, a.Used())
		case k < 3:
			marks = append(marks, point{a.Mark(), len(live), a.Used()})
		case k < 6 && len(marks) > 0:
			check()
			i := r.IntN(len(marks))
			require.NoError(t, a.Release(marks[i].mark))
			require.Equal(t, marks[i].used, a.Used())
			live, marks = live[:marks[i].live], marks[:i+1]
		case k < 10 && len(live) > 0:
			i := len(live) - 1 - r.IntN(min(len(live), 2))
			longer, err := arena.Append(a, live[i], bytes.Repeat([]byte{byte(i + 1)}, r.IntN(50))...)
			if err != nil {
				require.ErrorIs(t, err, alloc.ErrNoMemory)
				continue
			}
			if len(marks) == 0 || marks[len(marks)-1].live <= i {
				live[i] = longer
			}
		default:
			b, err := a.Alloc(r.IntN(1 + r.IntN(3000)))
			if err != nil {
				require.ErrorIs(t, err, alloc.ErrNoMemory)
				continue
			}
			require.Equal(t, make([]byte, len(b)), b)
			for i := range b {
				b[i] = byte(len(live) + 1)
			}
			live = append(live, b)
		}
		require.LessOrEqual(t, a.Used(), a.Size())
	}
	check()
}

func FuzzOperations(f *testing.F) {
	f.Add(uint64(1), uint16(100), uint8(0))
	f.Add(uint64(2), uint16(5000), uint8(3))
	f.Add(uint64(3), uint16(1), uint8(7))
	f.Fuzz(func(t *testing.T, seed uint64, chunk uint16, kind uint8) {
		a, err := arena.Open(&arena.Options{
			Chunk: int(chunk), Growing: kind&1 != 0, OffHeap: kind&2 != 0, Debug: kind&4 != 0, Limit: int(kind>>3) << 10,
		})
		if err != nil {
			require.ErrorIs(t, err, alloc.ErrNoMemory)
			return
		}
		churn(t, a, rand.New(rand.NewPCG(seed, 1)), 200)
		require.NoError(t, a.Close())
	})
}

// faults tells whether f accesses memory that is not accessible.
func faults(f func()) (did bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestDebugStopsUsesOfFreedMemory(t *testing.T) {
	for _, growing := range []bool{false, true} {
		a, err := arena.Open(&arena.Options{Debug: true, Growing: growing, Chunk: 20_000})
		require.NoError(t, err)
		first, err := a.Alloc(10)
		require.NoError(t, err)
		m := a.Mark()
		second, err := a.Alloc(19_000)
		require.NoError(t, err)
		first[9], second[18_999] = 1, 1
		require.NoError(t, a.Release(m))
		require.False(t, faults(func() { first[9] = 2 }))
		require.True(t, faults(func() { second[0] = 2 }))
		require.True(t, faults(func() { second[18_999] = 2 }))
		third, err := a.Alloc(19_000)
		require.NoError(t, err)
		third[0] = 1
		a.Reset()
		require.True(t, faults(func() { first[9] = 3 }))
		require.True(t, faults(func() { third[0] = 3 }))
		fourth, err := a.Alloc(20_000)
		require.NoError(t, err)
		require.NoError(t, a.Close())
		require.True(t, faults(func() { fourth[0] = 3 }))
	}
}

func TestMarksThatAreStale(t *testing.T) {
	for name, a := range all(t) {
		t.Run(name, func(t *testing.T) {
			outer := a.Mark()
			_, err := a.Alloc(10)
			require.NoError(t, err)
			inner := a.Mark()
			require.NoError(t, a.Release(inner))
			require.NoError(t, a.Release(outer))
			require.NoError(t, a.Release(outer))
			require.ErrorIs(t, a.Release(inner), alloc.ErrStale)
			a.Reset()
			require.ErrorIs(t, a.Release(outer), alloc.ErrStale)
			require.ErrorIs(t, a.Release(arena.Mark{}), alloc.ErrStale)
		})
	}
}

func TestBadOptionsAndClose(t *testing.T) {
	for _, o := range []arena.Options{{Chunk: -1}, {Limit: -1}} {
		_, err := arena.Open(&o)
		require.ErrorIs(t, err, alloc.ErrConfig)
	}
	a, err := arena.Open(&arena.Options{Growing: true, Chunk: 100, Limit: 250})
	require.NoError(t, err)
	for range 2 {
		_, err = a.Alloc(100)
		require.NoError(t, err)
	}
	_, err = a.Alloc(100)
	require.ErrorIs(t, err, alloc.ErrNoMemory)
	_, err = a.Alloc(50)
	require.NoError(t, err, "what the limit leaves")
	_, err = a.Alloc(math.MaxInt)
	require.ErrorIs(t, err, alloc.ErrNoMemory)
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	for _, n := range []int{0, 1} {
		_, err = a.Alloc(n)
		require.ErrorIs(t, err, alloc.ErrClosed)
	}
	_, err = arena.New[int](a)
	require.ErrorIs(t, err, alloc.ErrClosed)
	require.ErrorIs(t, a.Release(a.Mark()), alloc.ErrClosed)
	a.Reset()
}

func TestTypedValues(t *testing.T) {
	type point struct {
		x, y int32
		tag  byte
	}
	for name, a := range all(t) {
		t.Run(name, func(t *testing.T) {
			var ps []*point
			for i := range 1000 {
				p, err := arena.New[point](a)
				require.NoError(t, err)
				require.Equal(t, point{}, *p)
				*p = point{int32(i), int32(-i), byte(i)}
				ps = append(ps, p)
			}
			for i, p := range ps {
				require.Equal(t, point{int32(i), int32(-i), byte(i)}, *p)
			}
			s, err := arena.MakeSlice[uint16](a, 3, 5)
			require.NoError(t, err)
			require.Equal(t, []uint16{0, 0, 0, 0, 0}, s[:5])
			s, err = arena.Append(a, s, 7, 8)
			require.NoError(t, err)
			first := &s[0]
			s, err = arena.Append(a, s, 9)
			require.NoError(t, err)
			require.Equal(t, []uint16{0, 0, 0, 7, 8, 9}, s)
			require.Equal(t, first, &s[0], "the last one grows in its place")
			c, err := arena.Clone(a, s)
			require.NoError(t, err)
			require.Equal(t, s, c)
			str, err := arena.CloneString(a, "hello")
			require.NoError(t, err)
			require.Equal(t, "hello", str)
			_, err = arena.CloneString(a, "")
			require.NoError(t, err)
			_, err = arena.New[struct{}](a)
			require.NoError(t, err)

			_, err = arena.New[struct{ s string }](a)
			require.ErrorIs(t, err, alloc.ErrPointers)
			require.ErrorContains(t, err, ".s is a string")
			_, err = arena.MakeSlice[*int](a, 1, 1)
			require.ErrorIs(t, err, alloc.ErrPointers)
			_, err = arena.Append(a, []*int(nil), nil)
			require.ErrorIs(t, err, alloc.ErrPointers)
			for _, n := range [][2]int{{-1, 1}, {2, 1}, {0, math.MaxInt}} {
				_, err = arena.MakeSlice[uint32](a, n[0], n[1])
				require.ErrorIs(t, err, alloc.ErrSize)
			}
			if math.MaxInt > math.MaxInt32 { // else that much may be there
				_, err = arena.MakeSlice[byte](a, 0, math.MaxInt/2)
				require.ErrorIs(t, err, alloc.ErrNoMemory)
			}
		})
	}
}

type node [3]uint64

var sink *node

func BenchmarkNew(b *testing.B) {
	b.Run("arena", func(b *testing.B) {
		a := arena.NewArena(1 << 20)
		for range b.N { // B.Loop takes as long as New
			p, err := arena.New[node](a)
			if err != nil {
				a.Reset()
				continue
			}
			sink = p
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			sink = new(node)
		}
	})
}

func ExampleArena_Mark() {
	a := arena.NewGrowing(4096)
	for range 3 {
		m := a.Mark()
		line, _ := arena.MakeSlice[int32](a, 0, 10)
		line, _ = arena.Append(a, line, 1, 2, 3)
		fmt.Println(line, a.Used())
		_ = a.Release(m) // the mark is from just now
	}
	fmt.Println(a.Used())
	// Output:
	// [1 2 3] 40
	// [1 2 3] 40
	// [1 2 3] 40
	// 0
}

func Example() {
	a := arena.NewArena(1024)
	header, _ := a.Alloc(5)
	copy(header, "hello")
	body, _ := a.Alloc(5)
	copy(body, "world")
	fmt.Println(string(header), string(body), a.Used())

	a.Reset()
	fmt.Println(a.Used())
	_, err := a.Alloc(2000)
	fmt.Println(err)
	// Output:
	// hello world 16
	// 0
	// arena: alloc of 2000 bytes with 1024 left: alloc: out of memory
}
