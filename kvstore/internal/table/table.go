// Package table is the hash table that everything large is kept in: from keys
// to records of bytes, without a pointer in it, so that the garbage collector
// has nothing to look at however much is stored.
//
// The index (see index) has groups of the size of a cache line, in the order of
// the hashes; it grows and shrinks by one group at a time. The order gives
// cursors that outlive that. Records are kept in slabs (see slab): four bytes of
// meta data that belong to the caller, the lengths, the key and the value, so
// that a look-up costs two cache misses: one for records of the size of a cache line,
// if that is asked for (see places).
//
// A table knows nothing of what it keeps. It is not safe for concurrent use. What
// Key and Value return is good until the next Insert, Resize, Delete, Settle or Compact.
package table

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"unsafe"
)

// A Table maps keys to records. Use New.
type Table struct {
	index
	slab
	places places
	hash   func(key []byte) uint64
	live   int     // bytes of records
	layout *Layout // the last one
}

// New returns an empty table that hashes keys by the given function: all its bits
// must be good, for the top bits order the table. Memory comes from the pool, which
// may be nil.
func New(hash func(key []byte) uint64, pool *Pool) *Table {
	t := &Table{hash: hash}
	t.slab.pool, t.index.pool = pool, pool
	t.groups, t.shift = make([]group, 1), 64
	return t
}

// NewSize returns a table that holds n records without growing.
func NewSize(hash func(key []byte) uint64, n int, pool *Pool) *Table {
	t := New(hash, pool)
	t.Reserve(n)
	return t
}

// Reserve sizes an empty table for n records.
func (t *Table) Reserve(n int) {
	bits := uint(0)
	for n > maxLoad<<bits {
		bits++
	}
	if t.count == 0 && 1<<bits > len(t.groups) {
		t.groups, t.shift, t.old, t.altered = t.index.pool.groups(bits), 64-bits, nil, true
		t.hints, t.oldHints = t.newHints(1<<bits), nil
	}
}

const (
	shortHeader = 6
	longHeader  = 14
	longMark    = 255
)

// headerOf returns the length of the header of a record.
func headerOf(klen, vlen int) int {
	if klen < longMark && vlen <= 255 {
		return shortHeader
	}
	return longHeader
}

func sizeOf(klen, vlen int) int { return headerOf(klen, vlen) + klen + vlen }

// parse returns the lengths in a record.
func parse(b []byte) (header, klen, vlen int) {
	if b[4] != longMark {
		return shortHeader, int(b[4]), int(b[5])
	}
	return longHeader, int(binary.LittleEndian.Uint32(b[6:])), int(binary.LittleEndian.Uint32(b[10:]))
}

func putLengths(b []byte, klen, vlen int) int {
	if headerOf(klen, vlen) == shortHeader {
		b[4], b[5] = byte(klen), byte(vlen)
		return shortHeader
	}
	b[4], b[5] = longMark, 0
	binary.LittleEndian.PutUint32(b[6:], uint32(klen))
	binary.LittleEndian.PutUint32(b[10:], uint32(vlen))
	return longHeader
}

// Len returns the number of records.
func (t *Table) Len() int { return t.count }

// Hash returns the hash of a key.
func (t *Table) Hash(key []byte) uint64 { return t.hash(key) }

// Find returns the record of a key, whose hash is given, or 0.
func (t *Table) Find(h uint64, key []byte) Ref {
	g := t.home(h)
	tag := tagOf(h)
	m := g.match(tag) // now, so that the processor waits for both cache lines at the same time
	if r := t.guess(h, key); r != 0 {
		return r
	}
	for {
		for ; m != 0; m &= m - 1 {
			if r := g.refs[entryOf(m)]; r != 0 && t.is(r, key) {
				return r
			}
		}
		if g.next() == 0 {
			return 0
		}
		g = &t.over[g.next()]
		m = g.match(tag)
	}
}

// FindHash calls f for the records whose keys have the hash, until it returns
// false. f must not insert, resize or delete.
func (t *Table) FindHash(h uint64, f func(Ref) bool) {
	for g := t.home(h); ; g = &t.over[g.next()] {
		for i := 0; i < slots && g.refs[i] != 0; i++ {
			if g.tag(i) == tagOf(h) && t.hashOf(g.refs[i]) == h && !f(g.refs[i]) {
				return
			}
		}
		if g.next() == 0 {
			return
		}
	}
}

func (t *Table) is(r Ref, key []byte) bool {
	b := t.block(r)
	if int(b[4]) == len(key) && len(key) != longMark {
		return string(b[shortHeader:shortHeader+len(key)]) == string(key)
	}
	if b[4] != longMark {
		return false
	}
	_, klen, _ := parse(b)
	return klen == len(key) && string(b[longHeader:longHeader+klen]) == string(key)
}

// Key returns the key of a record, for reading.
func (t *Table) Key(r Ref) []byte {
	b := t.block(r)
	header, klen, _ := parse(b)
	return b[header : header+klen : header+klen]
}

// Value returns the value of a record, which may be written to.
func (t *Table) Value(r Ref) []byte {
	b := t.block(r)
	header, klen, vlen := parse(b)
	return b[header+klen : header+klen+vlen : header+klen+vlen]
}

// Meta returns the caller's four bytes of a record. Meta and SetMeta are atomic, so
// that readers that exclude writers only may set them too.
func (t *Table) Meta(r Ref) uint32 {
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&t.block(r)[0]))) // blocks are aligned to 8
}

// SetMeta sets them.
func (t *Table) SetMeta(r Ref, meta uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&t.block(r)[0])), meta)
}

// Insert adds a record for a key that has none; the value is for the caller to
// write.
func (t *Table) Insert(h uint64, key []byte, meta uint32, vlen int) Ref {
	t.step(t.load, t.hashOf)
	r := t.record(h, key, meta, vlen)
	t.count++
	t.add(t.home(h), tagOf(h), r)
	t.grow()
	return r
}

func (t *Table) record(h uint64, key []byte, meta uint32, vlen int) Ref {
	n := sizeOf(len(key), vlen)
	r, b := t.allocFor(h, n)
	binary.NativeEndian.PutUint32(b, meta) // nobody else knows the record
	header := putLengths(b, len(key), vlen)
	copy(b[header:], key)
	t.live += n
	return r
}

func (t *Table) load(r Ref) byte { return t.block(r)[4] }

func (t *Table) hashOf(r Ref) uint64 { return t.hash(t.Key(r)) }

// Resize changes the length of a record's value; the shorter of both lengths is
// kept of it. The record may move: its new Ref is returned.
func (t *Table) Resize(h uint64, r Ref, vlen int) Ref {
	b := t.block(r)
	header, klen, old := parse(b)
	if vlen == old {
		return r
	}
	size, want := header+klen+old, sizeOf(klen, vlen)
	if headerOf(klen, vlen) == header {
		if r&bigFlag != 0 && want > maxBlock {
			t.live += want - size
			t.resizeBig(r, want)
			putLengths(t.block(r), klen, vlen)
			return r
		}
		if size <= maxBlock && want <= maxBlock && r&bigFlag == 0 {
			from, _ := classOf(size)
			if to, _ := classOf(want); from == to {
				t.live += want - size
				putLengths(b, klen, vlen)
				return r
			}
		}
	}
	moved := t.record(h, b[header:header+klen], t.Meta(r), vlen)
	copy(t.Value(moved), b[header+klen:header+klen+old])
	t.replace(h, r, moved)
	t.live -= size
	t.release(r, size)
	return moved
}

// resizeBig changes the length of a slice of its own; growing leaves room for
// more, for values that are appended to.
func (t *Table) resizeBig(r Ref, n int) {
	id := r &^ bigFlag
	b := t.big[id]
	before := cap(b)
	if n <= cap(b) && n >= cap(b)/2 {
		t.big[id] = b[:n]
		return
	}
	grown := make([]byte, n, n+n/4)
	copy(grown, b)
	t.big[id] = grown
	t.bigBytes += cap(grown) - before
}

// replace puts another Ref in the place of one.
func (t *Table) replace(h uint64, from, to Ref) {
	for g := t.home(h); ; g = &t.over[g.next()] {
		for i := range g.refs {
			if g.refs[i] == from {
				g.refs[i] = to
				return
			}
		}
	}
}

// Delete removes a record.
func (t *Table) Delete(h uint64, r Ref) {
	home := t.home(h)
	for g := home; ; g = &t.over[g.next()] {
		for i := range g.refs {
			if g.refs[i] == r {
				t.drop(home, g, i)
				header, klen, vlen := parse(t.block(r))
				t.live -= header + klen + vlen
				t.release(r, header+klen+vlen)
				t.step(t.load, t.hashOf)
				t.shrink()
				return
			}
		}
	}
}

// Scan calls f for the records at a place in the order of the hashes and a few
// more, and returns the place behind; 0 is the beginning, and the end. What is in
// the table from the first call to the last is seen at least once, also when the
// table grows meanwhile. f must not change the table; it may stop the call, but
// then the rest of the records there is not seen.
func (t *Table) Scan(pos uint64, f func(Ref) bool) uint64 { return t.span(pos, f) }

// Each calls f for all records, until it returns false. f must not insert,
// resize or delete.
func (t *Table) Each(f func(Ref) bool) {
	more := true
	for pos := uint64(0); ; {
		pos = t.span(pos, func(r Ref) bool {
			more = f(r)
			return more
		})
		if !more || pos == 0 {
			return
		}
	}
}

// Random returns a record by chance, 0 if there is none.
func (t *Table) Random() Ref {
	if t.count == 0 {
		return 0
	}
	var found Ref
	for pos := rand.Uint64(); ; {
		n := 0
		// Of a group each entry has the same chance.
		next := t.span(pos, func(r Ref) bool {
			if n++; rand.IntN(n) == 0 {
				found = r
			}
			return true
		})
		if found != 0 {
			return found
		}
		if t.count > len(t.groups) {
			next = rand.Uint64()
		}
		pos = next
	}
}

// Bytes returns the memory that the table uses.
func (t *Table) Bytes() int {
	return (len(t.groups)+len(t.old)+cap(t.over))*groupSize + t.hintBytes() + t.slab.bytes()
}

// Live returns the memory that the index and the records use, without what is free
// for others.
func (t *Table) Live() int {
	return (len(t.groups)+len(t.old)+len(t.over))*groupSize + t.hintBytes() + t.live
}

func (t *Table) hintBytes() int { return (len(t.hints) + len(t.oldHints)) * cells * 2 }

// Wasted tells whether so much memory is on the lists of free blocks that
// [Table.Compact] is worth its time.
func (t *Table) Wasted() bool {
	return t.freeBytes > 2*chunkSize && t.freeBytes > (len(t.chunks)*chunkSize)/2
}

// Compact moves all records into new slabs. All Refs change.
func (t *Table) Compact() {
	from := t.slab
	t.slab = slab{big: from.big, bigIDs: from.bigIDs, bigBytes: from.bigBytes, pool: from.pool, regrown: true}
	t.forgetLines()
	move := func(g *group) {
		for i := 0; i < slots && g.refs[i] != 0; i++ {
			if g.refs[i]&bigFlag == 0 {
				b := from.block(g.refs[i])
				header, klen, vlen := parse(b)
				r, to := t.allocAny(b[header:header+klen], header+klen+vlen)
				copy(to, b[:header+klen+vlen])
				g.refs[i] = r
			}
		}
	}
	for i := range t.groups {
		move(&t.groups[i])
	}
	for i := t.moved; i < len(t.old); i++ {
		move(&t.old[i])
	}
	free := make(map[uint32]bool)
	for id := t.overFree; id != 0; id = t.over[id].next() {
		free[id] = true
	}
	for i := 1; i < len(t.over); i++ {
		if !free[uint32(i)] {
			move(&t.over[i])
		}
	}
	for pos := t.settleGroup(0); pos != 0; {
		pos = t.settleGroup(pos)
	}
	t.slab.pool.put(from.chunks)
}

// Size returns the bytes of a record.
func (t *Table) Size(r Ref) int {
	header, klen, vlen := parse(t.block(r))
	return header + klen + vlen
}
