// Package arena hands out memory from chunks and frees it all at once.
//
//	a := arena.NewArena(64 << 10)
//	header, err := a.Alloc(256)
//	point, err := arena.New[Point](a)
//	...
//	a.Reset()
//
// An arena suits work with one clear end, such as a request: allocating is an
// addition, and freeing sets an offset back, however much was allocated. [NewArena]
// has one chunk and is full at its end, [NewGrowing] adds chunks, [Open] has all the
// choices.
//
// # Guarantees
//
//   - What is allocated is zeroed, aligned to 8 bytes, and has no capacity beyond
//     what was asked for: appending to a slice never overwrites its neighbour.
//   - A size that is negative or does not fit is an error; the arena stays usable.
//   - With Options.Debug, memory that was freed by Reset, Release or Close cannot be
//     accessed: the processor stops who tries.
//
// # Limits
//
// The collector does not look into an arena, wherever its memory is: types with Go
// pointers are refused by the typed functions. Without Options.Debug, what was
// allocated before Reset must not be used after it, since new allocations share its
// memory. An Arena is for one goroutine at a time.
package arena

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

const align = 8

// Options tune an Arena. Nil means the defaults.
type Options struct {
	// Chunk is the size of the first chunk, and the least one of further ones, in
	// bytes. Zero means 64 KiB.
	Chunk int

	// Growing adds chunks when the first one is full.
	Growing bool

	// Limit bounds the bytes of all chunks. Zero means no limit.
	Limit int

	// OffHeap takes memory from the system, outside of Go's heap, and gives it back
	// on Close.
	OffHeap bool

	// Debug makes freed memory inaccessible, and takes other memory for what is
	// allocated next: Reset, Mark and Release are slow, and each takes a chunk. It
	// implies OffHeap.
	Debug bool
}

const defaultChunk = 64 << 10

// An Arena is a list of chunks and a place in one of them: what is before it is
// allocated.
type Arena struct {
	next uintptr        // first free byte of the current chunk; aligned, or end
	end  uintptr        // of the current chunk; 0 if there is none
	kind any            // (*T)(nil), where T is the type that New looked at last
	base unsafe.Pointer // of the current chunk

	o      Options
	chunks []chunk
	cur    int // index of the current chunk
	before int // bytes allocated in chunks before it
	total  int // bytes of all chunks

	marks  []mark
	serial uint64 // of marks
	grave  grave
	closed bool
}

type chunk struct {
	mem  []byte
	used int // bytes allocated when the next chunk became the current one

	// Off the heap, mem is the beginning of a mapping.
	region sysmem.Region
}

// off is how much of the current chunk is allocated.
func (a *Arena) off() uintptr { return a.next - uintptr(a.base) }

func (a *Arena) setOff(off uintptr) { a.next = uintptr(a.base) + off }

// NewArena returns an arena of one chunk of size bytes on Go's heap. A size below 1
// gives an arena that has no room, and so does one above 16 GiB, which no chunk on Go's heap has.
func NewArena(size int) *Arena {
	a := &Arena{o: Options{Chunk: max(size, 0)}}
	if c, err := onHeap(size); err == nil {
		a.use(c)
	}
	return a
}

// NewGrowing returns an arena on Go's heap that grows by chunks of the given size, or
// of what is allocated if that is more. A size below 1 means 64 KiB.
func NewGrowing(size int) *Arena {
	if size < 1 {
		size = defaultChunk
	}
	return &Arena{o: Options{Chunk: size, Growing: true}}
}

// Open returns an arena. The error wraps [alloc.ErrConfig] if an option is negative,
// or the system
// cannot do what Debug needs, [alloc.ErrNoMemory] if there is none for the first chunk.
func Open(o *Options) (*Arena, error) {
	a := &Arena{}
	if o != nil {
		a.o = *o
	}
	if a.o.Chunk < 0 || a.o.Limit < 0 {
		return nil, fmt.Errorf("arena: chunk of %d bytes, limit of %d: %w", a.o.Chunk, a.o.Limit, alloc.ErrConfig)
	}
	if a.o.Chunk == 0 {
		a.o.Chunk = defaultChunk
	}
	a.o.OffHeap = a.o.OffHeap || a.o.Debug
	if a.o.Debug {
		if err := canProtect(); err != nil {
			return nil, err
		}
	}
	if !a.o.Growing {
		if err := a.grow(0); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// maxOnHeap bounds a chunk on Go's heap, which does not say no when there is no
// memory: it ends the program.
const maxOnHeap = 1 << (30 + 4*(^uint(0)>>63))

// onHeap returns a chunk on Go's heap, aligned.
func onHeap(size int) (chunk, error) {
	if size < 1 || size > maxOnHeap {
		return chunk{}, errors.New("no size for Go's heap")
	}
	words := make([]uint64, (size+align-1)/align)
	return chunk{mem: unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), size)}, nil
}

// use makes c the current chunk, before those that come after the current one.
func (a *Arena) use(c chunk) {
	a.total += len(c.mem)
	next := 0
	if len(a.chunks) > 0 {
		next = a.cur + 1
	}
	a.chunks = slices.Insert(a.chunks, next, c)
	a.advance(next)
}

// advance goes on to the beginning of a chunk behind the current one.
func (a *Arena) advance(i int) {
	if i > 0 {
		a.chunks[a.cur].used = int(a.off())
		a.before += int(a.off())
	}
	a.enter(i, 0)
}

// enter makes a chunk the current one, and so much of it allocated.
func (a *Arena) enter(i int, off uintptr) {
	a.cur = i
	mem := a.chunks[i].mem
	a.base = unsafe.Pointer(unsafe.SliceData(mem))
	a.end = uintptr(a.base) + uintptr(len(mem))
	a.setOff(off)
}

// leave is enter where there is no chunk.
func (a *Arena) leave() { a.base, a.next, a.end, a.cur = nil, 0, 0, 0 }

// room finds n more bytes when the current chunk does not have them.
func (a *Arena) room(n int) error {
	switch {
	case a.closed:
		return alloc.ErrClosed
	case n < 0:
		return fmt.Errorf("arena: alloc of %d bytes: %w", n, alloc.ErrSize)
	case !a.o.Growing:
		return fmt.Errorf("arena: alloc of %d bytes with %d left: %w", n, a.end-a.next, alloc.ErrNoMemory)
	case n > math.MaxInt/2:
		return fmt.Errorf("arena: alloc of %d bytes: %w", n, alloc.ErrNoMemory)
	}
	// A chunk that Reset or Release left behind.
	for i := a.cur + 1; i < len(a.chunks); i++ {
		if len(a.chunks[i].mem) >= n {
			a.chunks[a.cur+1], a.chunks[i] = a.chunks[i], a.chunks[a.cur+1]
			a.advance(a.cur + 1)
			return nil
		}
	}
	return a.grow(n)
}

// grow adds a chunk with room for n bytes.
func (a *Arena) grow(n int) error {
	size := max(n, a.o.Chunk)
	if a.o.Limit > 0 && size > a.o.Limit-a.total {
		if size = a.o.Limit - a.total; size < max(n, 1) {
			return fmt.Errorf("arena: alloc of %d bytes beyond the limit of %d: %w", n, a.o.Limit, alloc.ErrNoMemory)
		}
	}
	c, err := a.newChunk(size)
	if err != nil {
		return fmt.Errorf("arena: chunk of %d bytes: %w: %v", size, alloc.ErrNoMemory, err)
	}
	a.use(c)
	return nil
}

// take allocates n bytes and does not zero them.
func (a *Arena) take(n int) (unsafe.Pointer, error) {
	if n < 0 || uintptr(n) > a.end-a.next || n == 0 && a.closed {
		if err := a.room(n); err != nil {
			return nil, err
		}
	}
	p := unsafe.Add(a.base, a.off())
	a.next = min((a.next+uintptr(n)+align-1)&^(align-1), a.end)
	return p, nil
}

// Alloc returns n zeroed bytes. The error wraps [alloc.ErrSize] if n is negative,
// [alloc.ErrNoMemory] if n bytes do not fit any more, and is [alloc.ErrClosed] after
// Close.
func (a *Arena) Alloc(n int) ([]byte, error) {
	p, err := a.take(n)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return []byte{}, nil
	}
	b := unsafe.Slice((*byte)(p), n)
	clear(b)
	return b, nil
}

// Reset frees everything that was allocated, and keeps the chunks. All marks are
// stale then.
func (a *Arena) Reset() {
	a.marks = a.marks[:0]
	a.rewind(0, 0)
}

// rewind goes back to a place in a chunk.
func (a *Arena) rewind(i int, off uintptr) {
	if len(a.chunks) == 0 {
		return
	}
	if a.o.Debug {
		a.bury(i)
		return
	}
	for _, c := range a.chunks[i:a.cur] {
		a.before -= c.used
	}
	a.enter(i, off)
}

// Close gives all memory back. What was allocated must not be used any more. After
// it, calls return [alloc.ErrClosed]; a second Close does nothing.
func (a *Arena) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	var errs []error
	if a.o.OffHeap {
		for _, c := range a.chunks {
			errs = append(errs, c.region.Unmap())
		}
	}
	errs = append(errs, a.grave.close())
	a.chunks, a.marks = nil, nil
	a.leave()
	a.before, a.total = 0, 0
	return errors.Join(errs...)
}

// Used returns the number of bytes that are allocated, alignment included.
func (a *Arena) Used() int { return a.before + int(a.off()) }

// Size returns the size of all chunks in bytes.
func (a *Arena) Size() int { return a.total }
