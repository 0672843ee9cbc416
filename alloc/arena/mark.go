package arena

import (
	"fmt"

	"github.com/groundwork-go/groundwork/alloc"
)

// A Mark is a place in an arena to which [Arena.Release] goes back.
type Mark struct {
	index  int
	serial uint64
}

type mark struct {
	serial uint64
	chunk  int // with Debug: all chunks from here on were made after the mark
	off    uintptr
}

// Mark returns the place up to which the arena is used now.
func (a *Arena) Mark() Mark {
	m := mark{chunk: a.cur, off: a.off()}
	if a.o.Debug {
		m = mark{chunk: a.seal()}
	}
	if n := len(a.marks); n > 0 && a.marks[n-1].chunk == m.chunk && a.marks[n-1].off == m.off {
		return Mark{n - 1, a.marks[n-1].serial}
	}
	a.serial++
	m.serial = a.serial
	a.marks = append(a.marks, m)
	return Mark{len(a.marks) - 1, m.serial}
}

// Release frees what was allocated since the mark was made; the mark can be used
// again. The error is [alloc.ErrStale] if the mark is not from this arena, or was
// made after one that was released since, or before a Reset, and [alloc.ErrClosed]
// after Close.
func (a *Arena) Release(m Mark) error {
	if a.closed {
		return alloc.ErrClosed
	}
	if m.index < 0 || m.index >= len(a.marks) || a.marks[m.index].serial != m.serial {
		return fmt.Errorf("arena: mark: %w", alloc.ErrStale)
	}
	a.marks = a.marks[:m.index+1]
	to := a.marks[m.index]
	a.rewind(to.chunk, to.off)
	return nil
}
