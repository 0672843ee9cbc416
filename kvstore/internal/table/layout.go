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
	groups   unsafe.Pointer // to as many groups as mask says
	old      unsafe.Pointer // likewise, nil: not moving
	over     []group
	chunks   []*byte
	limit    uint   // length of each chunk
	near     uint   // limit - minRoom, or 0
	mask     uint64 // of the number of a group: shift may be 64, for which 0 does as well
	shift    uint8
	oldShift uint8
	oldMask  uint64
	tab      *Table // for moved
}

// Layout returns the present layout, for writers, to publish it.
func (t *Table) Layout() *Layout {
	if t.layout == nil || t.altered || t.regrown {
		l := &Layout{
			groups: unsafe.Pointer(unsafe.SliceData(t.groups)), shift: uint8(t.shift), mask: uint64(len(t.groups) - 1),
			over: t.over[:cap(t.over)], chunks: t.starts, limit: chunkSize, tab: t,
		}
		if t.old != nil {
			l.old, l.oldShift, l.oldMask = unsafe.Pointer(unsafe.SliceData(t.old)), uint8(t.oldShift), uint64(len(t.old)-1)
		}
		if len(t.chunks) == 1 {
			l.limit = uint(len(t.chunks[0]))
		}
		l.near = max(l.limit, minRoom) - minRoom
		t.layout, t.altered, t.regrown = l, false, false
	}
	return t.layout
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
	groupSize = uint64(unsafe.Sizeof(group{}))
)

func (l *Layout) home(h uint64) *group {
	if l.old != nil {
		if i := h >> (l.oldShift & 63) & l.oldMask; i >= uint64(l.tab.moved) {
			return (*group)(unsafe.Add(l.old, i*groupSize))
		}
	}
	return (*group)(unsafe.Add(l.groups, h>>(l.shift&63)&l.mask*groupSize))
}

// First returns the record that Find will find by a hash, most likely, if it is one
// with a short head and minRoom from its end; otherwise nil.
func (l *Layout) First(h uint64) *Record {
	g := l.home(h)
	// A mask of no places makes it the tags, or what follows: any bits will do.
	r := *(*Ref)(unsafe.Add(unsafe.Pointer(&g.refs), bits.TrailingZeros32(g.match(tagOf(h))|1<<(slots-1))*4))
	chunk, at := uint(r>>chunkBits), uint(r&chunkMask)<<unitBits
	if chunk < uint(len(l.chunks)) && at < l.near {
		return (*Record)(unsafe.Add(unsafe.Pointer(l.chunks[chunk]), at))
	}
	return nil
}

// A Record is the beginning of a record that has at least minRoom.
type Record struct {
	meta       uint32
	klen, vlen uint8
}

// minRoom is the length of the longest record with a short head, and a bit more.
const minRoom = 8 + 256 + 256

// Meta returns the caller's bytes.
func (p *Record) Meta() uint32 { return p.meta }

// KeyLen returns the length of the key, 255 if the head is not a short one.
func (p *Record) KeyLen() int { return int(p.klen) }

// Key returns where the key is.
func (p *Record) Key() unsafe.Pointer { return unsafe.Add(unsafe.Pointer(p), shortHeader) }

// Value returns where the value is behind a key of so many bytes, and its length. It
// does not look at the length of the key in the record, since the record may be in two
// cache lines: so the second one is asked for before the first one is there.
func (p *Record) Value(klen int) (v unsafe.Pointer, n uint) {
	return unsafe.Add(unsafe.Pointer(p), shortHeader+klen), uint(p.vlen)
}

// Find looks a key up by its hash.
func (l *Layout) Find(h uint64, key string) (value []byte, meta uint32, a Answer) {
	g := l.home(h)
	tag := tagOf(h)
	for range maxChain {
		for m := g.match(tag); m != 0; m &= m - 1 {
			if value, meta, a = l.look(g.refs[bits.TrailingZeros32(m)], key); a != Absent {
				return value, meta, a
			}
		}
		next := g.next
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
