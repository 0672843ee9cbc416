// Package arena hands out slices of one buffer and frees them all at once.
//
//	a := arena.NewArena(64 << 10)
//	header, err := a.Alloc(256)
//	...
//	a.Reset()
//
// An arena suits work with one clear end, such as a request: allocating is an
// addition, and freeing one resets an offset, however much was allocated.
//
// # Guarantees
//
//   - A slice is zeroed, aligned to 8 bytes, and has no capacity beyond its
//     length: appending to it never overwrites its neighbour.
//   - A size that is negative or does not fit is an error; the arena stays usable.
//
// # Limits
//
// The buffer is one object of Go's heap without pointers: do not keep pointers
// in it. Slices must not be used after Reset, since new ones share their memory.
// An Arena is for one goroutine at a time.
package arena

import (
	"fmt"

	"github.com/groundwork-go/groundwork/alloc"
)

const align = 8

// An Arena is a buffer and the offset of its first free byte.
type Arena struct {
	buf []byte
	off int // multiple of align, at most len(buf)
}

// NewArena returns an arena of size bytes. A size below 1 gives an arena that
// has no room.
func NewArena(size int) *Arena {
	return &Arena{buf: make([]byte, max(size, 0))}
}

// Alloc returns n zeroed bytes. The error wraps [alloc.ErrSize] if n is negative
// and [alloc.ErrNoMemory] if n bytes do not fit any more.
func (a *Arena) Alloc(n int) ([]byte, error) {
	if n < 0 {
		return nil, fmt.Errorf("arena: alloc of %d bytes: %w", n, alloc.ErrSize)
	}
	if n > len(a.buf)-a.off {
		return nil, fmt.Errorf("arena: alloc of %d bytes with %d left: %w", n, len(a.buf)-a.off, alloc.ErrNoMemory)
	}
	b := a.buf[a.off : a.off+n : a.off+n]
	clear(b)
	a.off = min((a.off+n+align-1)&^(align-1), len(a.buf))
	return b, nil
}

// Reset frees everything that was allocated, in constant time.
func (a *Arena) Reset() { a.off = 0 }

// Used returns the number of bytes that are allocated, alignment included.
func (a *Arena) Used() int { return a.off }

// Size returns the size of the arena in bytes.
func (a *Arena) Size() int { return len(a.buf) }
