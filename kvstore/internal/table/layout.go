package table

import (
	"math/bits"
	"unsafe"
)

// A Layout says where the parts of a table lie. It serves those who look keys up
// without excluding writers, and find out afterwards whether one came in between:
// what they have read is rubbish then, and so is what Find returns, but reading it
// did no harm. Memory that a layout refers to is never given back while somebody has
// the layout, and all that is read of it is checked against its bounds.
//
// Such readers work only where the processor keeps loads in order; see package
// keyspace, which has the lock and its version.
type Layout struct {
	groups unsafe.Pointer
	size   uint64         // of groups, in bytes
	end    Ref            // records before it have minRoom
	starts unsafe.Pointer // to those of chunks
	old    *oldGroups     // nil: not moving

	hints    unsafe.Pointer // while the index moves those of old, unless there were none
	hintSize uint64         // in bytes; with 0 the first one is always meant
	lines    unsafe.Pointer // to the beginnings of chunks of lines

	noHints [cells]uint16
	noLines [1]*byte

	over   []group
	chunks []*byte
	limit  uint // length of each chunk
}

// oldGroups are those that entries are moved from.
type oldGroups struct {
	groups unsafe.Pointer
	size   uint64
	tab    *Table // for moved
}

// Layout returns the present layout, for writers, to publish it.
func (t *Table) Layout() *Layout {
	if t.layout == nil || t.altered || t.regrown {
		l := &Layout{over: t.over[:cap(t.over)], chunks: t.starts, limit: chunkSize}
		l.groups, l.size = unsafe.Pointer(unsafe.SliceData(t.groups)), uint64(len(t.groups))*groupSize
		l.hints, l.hintSize = l.hintsOf(t.hints)
		if t.oldHints != nil {
			l.hints, l.hintSize = l.hintsOf(t.oldHints)
		}
		l.noLines[0] = t.nothing()
		l.lines = unsafe.Pointer(&l.noLines)
		if t.places.starts != nil {
			l.lines = unsafe.Pointer(t.places.starts)
		}
		if t.old != nil {
			l.old = &oldGroups{groups: unsafe.Pointer(unsafe.SliceData(t.old)), size: uint64(len(t.old)) * groupSize, tab: t}
		}
		l.starts = unsafe.Pointer(unsafe.SliceData(l.chunks))
		l.end = Ref(len(t.chunks)) << chunkBits // a chunk of a pool has something behind it
		if len(t.chunks) == 1 && len(t.chunks[0]) < chunkSize {
			l.limit = uint(len(t.chunks[0]))
			l.end = Ref((max(l.limit, minRoom) - minRoom) >> unitBits)
		}
		t.layout, t.altered, t.regrown = l, false, false
	}
	return t.layout
}

func (l *Layout) hintsOf(h [][cells]uint16) (p unsafe.Pointer, size uint64) {
	if h == nil {
		return unsafe.Pointer(&l.noHints), 0
	}
	return unsafe.Pointer(unsafe.SliceData(h)), uint64(len(h)) * hintRow
}

// An Answer is what came of looking a key up in a Layout.
type Answer uint8

// The answers.
const (
	Absent  Answer = iota
	Present        // the value and the meta data are what they were at some time
	Unknown        // it takes a lock to know
)

const (
	maxChain  = 64 // groups; a torn chain could be a ring
	groupBits = 6
	groupSize = 1 << groupBits
	hintRow   = cells * 2 // bytes of hints of a group
)

// home multiplies the hash by the number of groups, which takes its top bits as the
// shift of the index does, in fewer instructions.
func (l *Layout) home(h uint64) *group {
	if o := l.old; o != nil {
		if at, _ := bits.Mul64(h, o.size); at>>groupBits >= uint64(o.tab.moved) {
			return (*group)(unsafe.Add(o.groups, at&^(groupSize-1)))
		}
	}
	at, _ := bits.Mul64(h, l.size)
	return (*group)(unsafe.Add(l.groups, at&^(groupSize-1)))
}

// A Group is where the entry of a hash is, most likely.
type Group group

// Group returns the group that Find looks at first.
func (l *Layout) Group(h uint64) *Group { return (*Group)(l.home(h)) }

// First returns the entry that Find looks at first; any one, if there is none.
func (g *Group) First(h uint64) Ref {
	m := (*group)(g).match(tagOf(h)) | 1<<(4*slots-1)
	return *(*Ref)(unsafe.Add(unsafe.Pointer(&g.refs), bits.TrailingZeros64(m)&^3))
}

// Holds tells whether Record may be called.
func (l *Layout) Holds(r Ref) bool { return r < l.end }

// Record returns the record of an entry.
func (l *Layout) Record(r Ref) *Record {
	chunk := *(*unsafe.Pointer)(unsafe.Add(l.starts, uintptr(r>>chunkBits)*unsafe.Sizeof(l.starts)))
	return (*Record)(unsafe.Add(chunk, r<<unitBits&(chunkMask<<unitBits)))
}

// Placed tells whether there are hints.
func (l *Layout) Placed() bool { return l.hintSize != 0 }

// Guess returns the record that most likely has the key of a hash, if it is of the size
// of a cache line: without a look at the index. Any, if there is none. Like the functions
// that take a buffer of their thread and call it, it is nosplit and no place where a
// goroutine can be preempted.
//
//go:nosplit
func (l *Layout) Guess(h uint64) *Record {
	at, _ := bits.Mul64(h, l.hintSize)
	hint := uint64(*(*uint16)(unsafe.Add(l.hints, at&^(hintRow-1)|h>>7&(hintRow-2))))
	chunk := *(*unsafe.Pointer)(unsafe.Add(l.lines, uintptr(hint>>stepBits)*unsafe.Sizeof(l.lines)))
	return (*Record)(unsafe.Add(chunk, (hint<<3+h>>16)&lineMask*cacheLine))
}

// First returns the record of the entry that Find looks at first, or nil.
func (l *Layout) First(h uint64) *Record {
	if r := l.Group(h).First(h); l.Holds(r) {
		return l.Record(r)
	}
	return nil
}

// A Record is the beginning of a record, and minRoom bytes that may be read.
type Record struct {
	meta       uint32
	klen, vlen uint8
	first      [8]byte // of the key
}

// minRoom is the length of the longest record with a short head, and a bit more.
const minRoom = 8 + 256 + 256

// Meta returns the caller's bytes.
func (p *Record) Meta() uint32 { return p.meta }

// Has tells whether the head is a short one and the key one of n bytes at k, 8 to 16.
func (p *Record) Has(k unsafe.Pointer, n int) bool {
	return int(p.klen) == n && p.first == *(*[8]byte)(k) &&
		*(*uint64)(unsafe.Add(unsafe.Add(unsafe.Pointer(p), n), shortHeader-8)) == *(*uint64)(unsafe.Add(unsafe.Add(k, n), -8))
}

// Value returns where the value is behind a key of so many bytes. It does not look at the
// length of the key in the record, since the record may be in two cache lines: so the
// second one is asked for before the first one is there.
func (p *Record) Value(klen int) unsafe.Pointer {
	return unsafe.Add(unsafe.Add(unsafe.Pointer(p), klen), shortHeader)
}

// Size returns the length of the value, up to 255. It may be another one if it is asked
// for again.
func (p *Record) Size() uint { return uint(p.vlen) }

// Touch loads the first and the second cache line of the record. What it returns is of
// no use but to keep the compiler from leaving the loads out.
func (p *Record) Touch() byte {
	return p.klen + *(*byte)(unsafe.Add(unsafe.Pointer(p), 48))
}

// Find looks a key up by its hash.
func (l *Layout) Find(h uint64, key string) (value []byte, meta uint32, a Answer) {
	g := l.home(h)
	tag := tagOf(h)
	for range maxChain {
		for m := g.match(tag); m != 0; m &= m - 1 {
			if value, meta, a = l.look(g.refs[entryOf(m)], key); a != Absent {
				return value, meta, a
			}
		}
		next := g.next()
		if next == 0 {
			return nil, 0, Absent
		}
		if uint64(next) >= uint64(len(l.over)) {
			return nil, 0, Unknown
		}
		g = &l.over[next]
	}
	return nil, 0, Unknown
}

// look returns the value of a record, if it has the key.
func (l *Layout) look(r Ref, key string) (value []byte, meta uint32, a Answer) {
	chunk, at := uint(r>>chunkBits), uint(r&chunkMask)<<unitBits
	switch {
	case r == 0:
		return nil, 0, Absent
	case chunk >= uint(len(l.chunks)) || at+longHeader > l.limit: // a large one, or torn
		return nil, 0, Unknown
	}
	p := unsafe.Add(unsafe.Pointer(l.chunks[chunk]), at)
	header, klen, vlen := uint(shortHeader), uint(*(*uint8)(unsafe.Add(p, 4))), uint(*(*uint8)(unsafe.Add(p, 5)))
	if klen == longMark {
		header, klen, vlen = longHeader, uint(*(*uint32)(unsafe.Add(p, 6))), uint(*(*uint32)(unsafe.Add(p, 10)))
	}
	switch {
	case klen != uint(len(key)):
		return nil, 0, Absent
	case at+header+klen+vlen > l.limit:
		return nil, 0, Unknown
	case !same(unsafe.Add(p, header), key):
		return nil, 0, Absent
	}
	return unsafe.Slice((*byte)(unsafe.Add(p, header+klen)), vlen), *(*uint32)(p), Present
}

// same tells whether a key is at p.
func same(p unsafe.Pointer, key string) bool {
	q, last := unsafe.Pointer(unsafe.StringData(key)), len(key)-8
	if last < 0 {
		return unsafe.String((*byte)(p), len(key)) == key
	}
	for i := 0; i < last; i += 8 {
		if *(*uint64)(unsafe.Add(p, i)) != *(*uint64)(unsafe.Add(q, i)) {
			return false
		}
	}
	return *(*uint64)(unsafe.Add(p, last)) == *(*uint64)(unsafe.Add(q, last))
}
