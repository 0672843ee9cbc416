package arena_test

import (
	"bytes"
	"fmt"
	"math"
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
	} {
		t.Run(c.name, func(t *testing.T) {
			a := arena.NewArena(c.size)
			if c.size > 0 {
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
