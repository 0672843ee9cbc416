package table

import "math/bits"

// A group is one cache line: twelve entries, each a byte of the hash, its tag, and a
// Ref, and the number of a further group when these are full. Entries are dense.
type group struct {
	even, odd uint64 // tags of the entries with even and odd numbers; the top 16 bits are half of the further group each
	refs      [slots]Ref
}

const (
	slots   = 12
	maxLoad = 10 // entries per group on average, before the index grows
	minLoad = 1  // below, it shrinks

	tagBits = 48 // of even and odd
	ones    = 0x010101010101
	highs   = 0x808080808080
)

// index is a hash table of groups in the order of the hashes: the top bits of a
// hash are the number of its group. So a place in that order stays one when the
// index grows or shrinks, which it does by moving one group at a time from old
// to groups.
type index struct {
	groups []group
	shift  uint // 64 - log2(len(groups))

	old      []group // nil: not moving
	oldShift uint
	moved    int // groups of old that were moved

	placed   bool            // there are hints, see places
	hints    [][cells]uint16 // of groups; nil: none
	oldHints [][cells]uint16 // of old
	pending  []uint64        // hashes of keys that may not be where their hint says
	sweep    uint64          // where Settle goes on with all keys; 0: not under way
	again    bool            // it must begin

	unplaced bool // nothing was placed when hints began: Settle compacts
	loaded   byte // so that loading is not for nothing

	over     []group // over[0] is not used
	overFree uint32  // list through next
	count    int

	pool    *Pool
	altered bool // since the last layout
}

func tagOf(h uint64) uint8 { return uint8(h >> 8) }

// home returns the first group in which an entry of the hash may be.
func (x *index) home(h uint64) *group {
	if x.old != nil {
		if g := int(h >> x.oldShift); g >= x.moved {
			return &x.old[g]
		}
	}
	return &x.groups[h>>x.shift]
}

// match returns a mask with a bit set for each entry that may have the tag; entryOf
// tells its number. Bits behind a match may be set wrongly, and so may those of empty
// entries. The twelve bits come together in one mask since a branch that depends on
// where the entry is would be foretold wrongly every other time, and the processor
// would not begin with the next key meanwhile (BenchmarkParallel of the root package:
// half of the time).
func (g *group) match(tag uint8) uint64 {
	want := uint64(tag) * ones
	x, y := g.even^want, g.odd^want
	return (x-ones)&^x&highs>>4 | (y-ones)&^y&highs
}

// entryOf returns the entry of the lowest bit of a match.
func entryOf(m uint64) int { return bits.TrailingZeros64(m) >> 2 }

// next returns the number of the further group in index.over, 0 if there is none.
func (g *group) next() uint32 { return uint32(g.even>>tagBits | g.odd>>tagBits<<16) }

func (g *group) setNext(id uint32) {
	g.even = g.even&(1<<tagBits-1) | uint64(id)<<tagBits
	g.odd = g.odd&(1<<tagBits-1) | uint64(id>>16)<<tagBits
}

func (g *group) len() int {
	n := 0
	for n < slots && g.refs[n] != 0 {
		n++
	}
	return n
}

// tags returns the word with the tag of an entry, and by how much it is shifted.
func (g *group) tags(i int) (word *uint64, shift int) {
	if i&1 == 0 {
		return &g.even, i / 2 * 8
	}
	return &g.odd, i / 2 * 8
}

func (g *group) tag(i int) uint8 {
	word, shift := g.tags(i)
	return uint8(*word >> shift)
}

func (g *group) set(i int, tag uint8, r Ref) {
	g.refs[i] = r
	word, shift := g.tags(i)
	*word = *word&^(0xff<<shift) | uint64(tag)<<shift
}

// add puts an entry into the chain of a group.
func (x *index) add(home *group, tag uint8, r Ref) {
	g, id := home, uint32(0)
	for g.refs[slots-1] != 0 {
		next := g.next()
		if next == 0 {
			next = x.takeOver() // which may move x.over, and g with it
			if id == 0 {
				home.setNext(next)
			} else {
				x.over[id].setNext(next)
			}
		}
		g, id = &x.over[next], next
	}
	g.set(g.len(), tag, r)
}

// takeOver returns an empty group for the end of a chain.
func (x *index) takeOver() uint32 {
	if id := x.overFree; id != 0 {
		x.overFree = x.over[id].next()
		x.over[id] = group{}
		return id
	}
	if x.over == nil {
		x.over = make([]group, 1, 4)
		x.altered = true
	}
	if len(x.over) == cap(x.over) {
		x.altered = true
	}
	x.over = append(x.over, group{})
	return uint32(len(x.over) - 1)
}

func (x *index) giveOver(id uint32) {
	x.over[id].setNext(x.overFree)
	x.overFree = id
}

// drop removes entry i of a group in the chain of home: the last entry of the
// chain takes its place.
func (x *index) drop(home, g *group, i int) {
	last, before := home, home
	for last.next() != 0 {
		before, last = last, &x.over[last.next()]
	}
	j := last.len() - 1
	g.set(i, last.tag(j), last.refs[j])
	last.set(j, 0, 0)
	if j == 0 && last != home {
		x.giveOver(before.next())
		before.setNext(0)
	}
	x.count--
}

// resize begins to move to 1<<bits groups.
func (x *index) resize(bits uint) {
	x.old, x.oldShift, x.moved, x.altered = x.groups, x.shift, 0, true
	x.groups, x.shift = x.pool.groups(bits), 64-bits
	x.oldHints, x.hints = x.hints, x.newHints(1<<bits)
}

// step moves one group, if the index is moving. hashOf tells an entry's hash, load has the
// processor load what that takes.
func (x *index) step(load func(Ref) byte, hashOf func(Ref) uint64) {
	if x.old == nil {
		return
	}
	for range 32 { // to pass over empty ones costs nothing
		if x.old[x.moved].refs[0] != 0 || x.moved == len(x.old)-1 {
			break
		}
		x.moved++
	}
	g := &x.old[x.moved]
	x.moveHints(x.moved)
	x.moved++
	for g != nil {
		for i := 0; i < slots && g.refs[i] != 0; i++ {
			x.loaded += load(g.refs[i]) // of all at the same time
		}
		for i := 0; i < slots && g.refs[i] != 0; i++ {
			h := hashOf(g.refs[i])
			x.add(&x.groups[h>>x.shift], g.tag(i), g.refs[i])
		}
		id := g.next()
		*g = group{}
		g = nil
		if id != 0 {
			// A copy: adding may move x.over.
			next := x.over[id]
			x.giveOver(id)
			g = &next
		}
	}
	if x.moved == len(x.old) {
		x.pool.putGroups(x.old)
		x.unplaced = x.hints != nil && x.oldHints == nil
		x.old, x.oldHints, x.altered = nil, nil, true
	}
}

// grow begins to grow when the load asks for it.
func (x *index) grow() {
	if x.old == nil && x.count > len(x.groups)*maxLoad {
		x.resize(64 - x.shift + 1)
	}
}

// shrink begins to shrink when the load asks for it.
func (x *index) shrink() {
	if n := len(x.groups); x.old == nil && n > 1 && x.count < n*minLoad {
		target := uint(bits.Len(uint(x.count * 2 / maxLoad)))
		x.resize(min(target, 64-x.shift-1))
	}
}

// chain calls f for each entry of the chain of a group; f must not change it.
func (x *index) chain(g *group, f func(Ref) bool) bool {
	for {
		for i := 0; i < slots && g.refs[i] != 0; i++ {
			if !f(g.refs[i]) {
				return false
			}
		}
		if g.next() == 0 {
			return true
		}
		g = &x.over[g.next()]
	}
}

// span calls f for each entry at the place pos in the order of the hashes, up to
// the end of its group, and returns the place behind: 0 is the end.
func (x *index) span(pos uint64, f func(Ref) bool) uint64 {
	if x.old == nil {
		x.chain(&x.groups[pos>>x.shift], f)
		return (pos>>x.shift + 1) << x.shift
	}
	// The part with the larger groups decides, so that both are whole.
	shift := max(x.shift, x.oldShift)
	first := pos >> shift << shift
	last := first + (1<<shift - 1)
	for o := max(first>>x.oldShift, uint64(x.moved)); o <= last>>x.oldShift; o++ {
		if !x.chain(&x.old[o], f) {
			return last + 1
		}
	}
	for n := first >> x.shift; n <= last>>x.shift; n++ {
		if !x.chain(&x.groups[n], f) {
			break
		}
	}
	return last + 1
}
