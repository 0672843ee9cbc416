package table

import (
	"math/bits"
	"unsafe"
)

const (
	cells     = 8   // of a group
	minPlaced = 256 // groups from which on there are hints: chunks are too large for less

	lineCount  = chunkSize / cacheLine // of a chunk
	lineMask   = lineCount - 1
	stepBits   = 7 // of a hint: the distance, in steps of 8 lines; above: the chunk
	lineChunks = 1 << (16 - stepBits)

	// With these the chunks are 85 to 90 % full, as a simulation of many sizes found.
	mostOpen = 12
	closeAt  = 64 // free lines, with which nothing is placed in a chunk any more
	reopenAt = 96

	mostInCell  = 8
	mostPending = 1 << 8 // beyond, all cells are looked at
)

// A lineChunk is a chunk of lines.
type lineChunk struct {
	// free has a bit for each free line: those whose numbers are equal modulo 8 together,
	// so that the steps with which a line is free are a rotation of two words.
	free [8][2]uint64
	n    int    // of free lines
	id   uint32 // of the chunk in slab.chunks
	open bool   // in places.open
}

// places are the chunks of lines of a table: records of 49 to 64 bytes, head and key
// included, are placed there so that a look-up need not read the index to find them.
// That would be a second cache miss, which begins when the first one ends, and more
// instructions (bench of the root package: a look-up of AppendGet takes three quarters
// of the time).
//
// For a cell, which is those keys of a group whose tags have the same low bits, one key
// on average, there is a hint of two bytes: a chunk, and what to add to a number of ten
// bits from a key's hash to have the number of its line there. So all keys of a cell are
// in one chunk, at distances that their hashes give; which chunk, and where in it, is
// chosen so that their lines are free. When a further key finds its line taken, the cell
// has to move: not before [Table.Settle], since Refs change. When the index grows, the
// hints of a group are copied to the groups that it becomes, and no record moves.
//
// The index knows all records nevertheless, and what is not where its hint says is found
// there: a hint may be wrong, which costs time only. What is in a line is true, for the
// length of the key is removed from a line that is given back.
type places struct {
	starts *[lineChunks]*byte // of the chunks, for layouts; those that are not there have no keys
	chunks []lineChunk        // chunks[0] is not used
	open   []uint16           // where cells are placed, the fullest first, more or less
	kinds  []uint16           // of slab.chunks: the number in chunks, 0 if it is an ordinary one
}

// isLine tells whether records of a size are kept in lines.
func isLine(n int) bool { return n > cacheLine-16 && n <= cacheLine }

// numberOf is what a step is added to.
func numberOf(h uint64) int { return int(h >> 16 & lineMask) }

// cellOf returns a key's cell in its group.
func cellOf(h uint64) int { return int(tagOf(h) % cells) }

// steps returns a bit for each step with which the line of a number is free.
func (c *lineChunk) steps(number int) (lo, hi uint64) {
	lo, hi = c.free[number%8][0], c.free[number%8][1]
	by := number / 8
	if by >= 64 {
		lo, hi, by = hi, lo, by-64
	}
	return lo>>by | hi<<(64-by), hi>>by | lo<<(64-by)
}

func (c *lineChunk) word(line int) (w *uint64, bit uint64) {
	return &c.free[line%8][line/(lineCount/2)], 1 << (line / 8 % 64)
}

// hint returns the hint of a hash's cell, nil if there are none.
func (x *index) hint(h uint64) *uint16 {
	if x.old != nil {
		if g := int(h >> x.oldShift); g >= x.moved {
			if x.oldHints == nil {
				return nil
			}
			return &x.oldHints[g][cellOf(h)]
		}
	}
	if x.hints == nil {
		return nil
	}
	return &x.hints[h>>x.shift][cellOf(h)]
}

// newHints returns hints for so many groups, nil if there are none.
func (x *index) newHints(groups int) [][cells]uint16 {
	if !x.placed || groups < minPlaced {
		return nil
	}
	return make([][cells]uint16, groups)
}

// moveHints gives the hints of a group of old to those that its entries have gone to.
func (x *index) moveHints(g int) {
	if x.hints == nil || x.oldHints == nil {
		return
	}
	first := uint64(g) << x.oldShift
	last := first + (1<<x.oldShift - 1)
	for n := first >> x.shift; n <= last>>x.shift; n++ {
		for c, hint := range x.oldHints[g] {
			if x.hints[n][c] == 0 {
				x.hints[n][c] = hint
			}
		}
	}
}

// guess returns the record that the hint of a hash names, if it has the key, or 0. While
// many keys are inserted, without hints, it does not look.
func (t *Table) guess(h uint64, key []byte) Ref {
	if t.again {
		return 0
	}
	if hint := t.hint(h); hint != nil && *hint != 0 {
		if c := int(*hint >> stepBits); c < len(t.places.chunks) {
			if r := t.lineRef(c, lineOf(*hint, h)); t.is(r, key) {
				return r
			}
		}
	}
	return 0
}

// lineOf returns the line in which a key of the hash is if the hint is right.
func lineOf(hint uint16, h uint64) int { return (int(hint)<<3 + numberOf(h)) & lineMask }

func (t *Table) lineRef(c, line int) Ref {
	return Ref(t.places.chunks[c].id<<chunkBits) | Ref(line*(cacheLine>>unitBits))
}

// place returns a block for a record of a line, where the hint says if it can. While
// more are inserted than Settle keeps up with, they lie one behind the other.
func (t *Table) place(h uint64) (Ref, bool) {
	if t.again {
		return t.anyLine(h)
	}
	hint := t.hint(h)
	if *hint != 0 {
		if c := int(*hint >> stepBits); t.takeLine(c, lineOf(*hint, h)) {
			return t.lineRef(c, lineOf(*hint, h)), true
		}
	}
	if *hint == 0 || !t.cellHas(h) {
		if to, ok := t.seek([]int{numberOf(h)}); ok {
			*hint = to
			c, line := int(to>>stepBits), lineOf(to, h)
			t.takeLine(c, line)
			return t.lineRef(c, line), true
		}
		return 0, false
	}
	t.later(h)
	return t.anyLine(h)
}

// anyLine returns a line for a record until Settle finds a better one.
func (t *Table) anyLine(h uint64) (Ref, bool) {
	if len(t.places.open) == 0 && !t.openChunk() {
		return 0, false
	}
	c := int(t.places.open[len(t.places.open)-1])
	line := t.places.chunks[c].first(numberOf(h))
	t.takeLine(c, line)
	return t.lineRef(c, line), true
}

// first returns a free line, there must be one: if it can, with a number that is equal to
// the given one modulo 8, so that as many are left of the others.
func (c *lineChunk) first(number int) int {
	for i := range 8 {
		for j, w := range c.free[(number+i)%8] {
			if w != 0 {
				return j*(lineCount/2) + bits.TrailingZeros64(w)*8 + (number+i)%8
			}
		}
	}
	panic("table: no free line")
}

// later notes that the cell of a hash may have to move; all may, if they are too many.
func (x *index) later(h uint64) {
	if len(x.pending) < mostPending {
		x.pending = append(x.pending, h)
		return
	}
	x.again = true
}

// cellHas tells whether there are keys in the cell of a hash.
func (t *Table) cellHas(h uint64) bool {
	for g := t.home(h); ; g = &t.over[g.next()] {
		for i := 0; i < slots && g.refs[i] != 0; i++ {
			if g.tag(i)%cells == tagOf(h)%cells {
				return true
			}
		}
		if g.next() == 0 {
			return false
		}
	}
}

// takeLine takes a line, if it is free.
func (t *Table) takeLine(c, line int) bool {
	p := &t.places
	ch := &p.chunks[c]
	w, bit := ch.word(line)
	if *w&bit == 0 {
		return false
	}
	*w &^= bit
	t.freeBytes -= cacheLine
	if ch.n--; ch.n < closeAt && ch.open {
		ch.open = false
		for i, o := range p.open {
			if int(o) == c {
				p.open = append(p.open[:i], p.open[i+1:]...)
				break
			}
		}
	}
	return true
}

// putLine gives a line back, without a key in it.
func (t *Table) putLine(c int, r Ref) {
	p := &t.places
	ch := &p.chunks[c]
	t.block(r)[4] = 0
	w, bit := ch.word(int(r&chunkMask) / (cacheLine >> unitBits))
	*w |= bit
	t.freeBytes += cacheLine
	if ch.n++; ch.n >= reopenAt && !ch.open && len(p.open) < mostOpen {
		ch.open = true
		p.open = append(p.open, uint16(c))
	}
}

// seek returns a hint with which the lines of all numbers are free.
func (t *Table) seek(numbers []int) (hint uint16, ok bool) {
	p := &t.places
	for i := range p.open {
		if i > 0 && p.chunks[p.open[i]].n < p.chunks[p.open[i-1]].n {
			p.open[i], p.open[i-1] = p.open[i-1], p.open[i]
		}
	}
	for _, c := range p.open {
		if hint, ok = p.chunks[c].seek(c, numbers); ok {
			return hint, true
		}
	}
	if !t.openChunk() {
		return 0, false
	}
	c := p.open[len(p.open)-1]
	return p.chunks[c].seek(c, numbers)
}

func (c *lineChunk) seek(id uint16, numbers []int) (hint uint16, ok bool) {
	lo, hi := ^uint64(0), ^uint64(0)
	for _, n := range numbers {
		a, b := c.steps(n)
		lo, hi = lo&a, hi&b
	}
	switch {
	case lo != 0:
		return id<<stepBits | uint16(bits.TrailingZeros64(lo)), true
	case hi != 0:
		return id<<stepBits | uint16(64+bits.TrailingZeros64(hi)), true
	}
	return 0, false
}

// openChunk takes a further chunk for lines, if there may be one.
func (t *Table) openChunk() bool {
	p := &t.places
	if p.starts == nil {
		p.starts = new([lineChunks]*byte)
		for i := range p.starts {
			p.starts[i] = t.nothing()
		}
		p.chunks = make([]lineChunk, 1)
		t.regrown = true
	}
	if len(p.chunks) == lineChunks {
		return false
	}
	id, used, ok := t.slab.whole()
	if !ok {
		return false
	}
	for len(p.kinds) <= id {
		p.kinds = append(p.kinds, 0)
	}
	c := lineChunk{n: lineCount, id: uint32(id), open: true}
	for i := range c.free {
		c.free[i] = [2]uint64{^uint64(0), ^uint64(0)}
	}
	b := t.slab.chunks[id]
	for at := 4; used && at < len(b); at += cacheLine {
		b[at] = 0 // there may be keys
	}
	p.kinds[id] = uint16(len(p.chunks))
	p.starts[len(p.chunks)] = unsafe.SliceData(b)
	if len(p.open) == mostOpen { // the fullest
		p.chunks[p.open[0]].open = false
		p.open = append(p.open[:0], p.open[1:]...)
	}
	p.open = append(p.open, uint16(len(p.chunks)))
	p.chunks = append(p.chunks, c)
	t.freeBytes += chunkSize
	return true
}

// nothing returns a chunk without keys.
func (t *Table) nothing() *byte {
	if t.slab.pool == nil {
		return unsafe.SliceData(make([]byte, chunkSize+minRoom))
	}
	return t.slab.pool.nothing()
}

// kind returns the number of the chunk of lines that a block is in, or 0.
func (p *places) kind(r Ref) int {
	if id := int(r >> chunkBits); id < len(p.kinds) {
		return int(p.kinds[id])
	}
	return 0
}

// allocFor returns a block for a record of n bytes.
func (t *Table) allocFor(h uint64, n int) (Ref, []byte) {
	if isLine(n) && t.hint(h) != nil {
		if r, ok := t.place(h); ok {
			return r, t.block(r)
		}
	}
	return t.alloc(n)
}

// allocAny is allocFor for Compact, which settles everything.
func (t *Table) allocAny(key []byte, n int) (Ref, []byte) {
	if isLine(n) && (t.hints != nil || t.oldHints != nil) {
		if r, ok := t.anyLine(t.hash(key)); ok {
			return r, t.block(r)
		}
	}
	return t.alloc(n)
}

// release gives back a block of n bytes.
func (t *Table) release(r Ref, n int) {
	if c := t.places.kind(r); r&bigFlag == 0 && c != 0 {
		t.putLine(c, r)
		return
	}
	t.slab.release(r, n)
}

// Place has records placed so that a look-up need not read the index, where they are of
// the size of a cache line; then Settle must be called now and then.
func (t *Table) Place() { t.placed = true }

// forgetLines makes a table without records one without lines.
func (t *Table) forgetLines() {
	starts := t.places.starts
	if starts != nil {
		for i := range starts {
			starts[i] = t.nothing()
		}
	}
	t.places = places{starts: starts, chunks: t.places.chunks[:min(1, len(t.places.chunks))]}
	clear(t.hints)
	clear(t.oldHints)
	t.pending, t.sweep, t.again, t.unplaced = t.pending[:0], 0, false, false
}
