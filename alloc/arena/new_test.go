package arena_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc/arena"
)

// newOf has New make many T in memory that is not zero, and tells whether they are
// zeroed, aligned and apart.
func newOf[T comparable](t *testing.T, a *arena.Arena) {
	t.Helper()
	var zero T
	size := unsafe.Sizeof(zero)
	for range 2 {
		a.Reset()
		b, err := a.Alloc(4000)
		require.NoError(t, err)
		for i := range b {
			b[i] = 0xff
		}
		a.Reset()
		last := uintptr(0)
		for range 4000 / (int(size) + 8) {
			p, err := arena.New[T](a)
			require.NoError(t, err)
			require.Equal(t, zero, *p)
			at := uintptr(unsafe.Pointer(p))
			require.Zero(t, at%unsafe.Alignof(zero))
			if last != 0 {
				require.Equal(t, last+(size+7)&^7, at)
			}
			last = at
			for _, b := range [...]byte{0xff, 0} { // it is ours
				mem := unsafe.Slice((*byte)(unsafe.Pointer(p)), size)
				for i := range mem {
					mem[i] = b
				}
			}
		}
	}
}

// TestNewOfManyTypes goes through sizes, with types of all kinds: New has code for some.
func TestNewOfManyTypes(t *testing.T) {
	for name, off := range map[string]bool{"on the heap": false, "off the heap": true} {
		t.Run(name, func(t *testing.T) {
			a, err := arena.Open(&arena.Options{Chunk: 4096, OffHeap: off})
			require.NoError(t, err)
			defer func() { require.NoError(t, a.Close()) }()
			newOf[bool](t, a)
			newOf[int16](t, a)
			newOf[[3]byte](t, a)
			newOf[float32](t, a)
			newOf[uint64](t, a)
			newOf[[1]uint64](t, a)
			newOf[[9]byte](t, a)
			newOf[complex128](t, a)
			newOf[[2]uint64](t, a)
			newOf[struct {
				a byte
				b uint64
				c byte
			}](t, a)
			newOf[[3]uint64](t, a)
			newOf[[23]byte](t, a)
			newOf[struct{ a, b, c uint64 }](t, a)
			newOf[[4]uint64](t, a)
			newOf[struct {
				a [3]float64
				b uint16
			}](t, a)
			newOf[[33]byte](t, a)
			newOf[[5]uint64](t, a)
			newOf[struct{ a, b, c, d, e, f uint64 }](t, a)
			newOf[[100]int32](t, a)
			newOf[[1000]byte](t, a)
		})
	}
}
