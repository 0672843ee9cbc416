package table

import "math/bits"

// A group is one cache line: twelve entries, each a byte of the hash and a Ref,
// and the number of a further group when these are full. Entries are dense.
type group struct {
	tags  uint64 // of entries 0 to 7
	tags2 uint32 // of entries 8 to 11
	next  uint32 // in index.over; 0: none
	refs  [slots]Ref
}

const (
	slots   = 12
	maxLoad = 10 // entries per group on average, before the index grows
	minLoad = 1  // below, it shrinks

	ones  = 0x0101010101010101
	highs = 0x8080808080808080
	// gather moves the high bits of the bytes of a factor to the top byte.
	gather = 0x0002040810204081
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

	over     []group // over[0] is not used
	overFree uint32  // list through next
	count    int

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

// match returns a mask with a bit set for each entry that may have the tag. Bits
// behind a match may be set wrongly, and so may those of empty entries. The twelve
// bits come together in one mask since a branch that depends on where the entry is
// would be foretold wrongly every third time, and the processor would not begin with
// the next key meanwhile (BenchmarkParallel of the root package: half of the time).
func (g *group) match(tag uint8) uint32 {
	x := g.tags ^ uint64(tag)*ones
	y := uint64(g.tags2) ^ uint64(tag)*(ones&0xffffffff)
	x = (x - ones) &^ x & highs
	y = (y - ones&0xffffffff) &^ y & (highs & 0xffffffff)
	return uint32(x*gather>>56 | y*gather>>56<<8)
}

func (g *group) len() int {
	n := 0
	for n < slots && g.refs[n] != 0 {
		n++
	}
	return n
}

func (g *group) tag(i int) uint8 {
	if i < 8 {
		return uint8(g.tags >> (i * 8))
	}
	return uint8(g.tags2 >> ((i - 8) * 8))
}

func (g *group) set(i int, tag uint8, r Ref) {
	g.refs[i] = r
	if i < 8 {
		g.tags = g.tags&^(0xff<<(i*8)) | uint64(tag)<<(i*8)
	} else {
		j := (i - 8) * 8
		g.tags2 = g.tags2&^(0xff<<j) | uint32(tag)<<j
	}
}

// add puts an entry into the chain of a group.
func (x *index) add(home *group, tag uint8, r Ref) {
	g, id := home, uint32(0)
	for g.refs[slots-1] != 0 {
		next := g.next
		if next == 0 {
			next = x.takeOver() // which may move x.over, and g with it
			if id == 0 {
				home.next = next
			} else {
				x.over[id].next = next
			}
		}
		g, id = &x.over[next], next
	}
	g.set(g.len(), tag, r)
}

// takeOver returns an empty group for the end of a chain.
func (x *index) takeOver() uint32 {
	if id := x.overFree; id != 0 {
		x.overFree = x.over[id].next
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
	x.over[id].next = x.overFree
	x.overFree = id
}

// drop removes entry i of a group in the chain of home: the last entry of the
// chain takes its place.
func (x *index) drop(home, g *group, i int) {
	last, before := home, home
	for last.next != 0 {
		before, last = last, &x.over[last.next]
	}
	j := last.len() - 1
	g.set(i, last.tag(j), last.refs[j])
	last.set(j, 0, 0)
	if j == 0 && last != home {
		x.giveOver(before.next)
		before.next = 0
	}
	x.count--
}

// resize begins to move to 1<<bits groups.
func (x *index) resize(bits uint) {
	x.old, x.oldShift, x.moved, x.altered = x.groups, x.shift, 0, true
	x.groups, x.shift = make([]group, 1<<bits), 64-bits
}

// step moves one group, if the index is moving. hashOf tells an entry's hash.
func (x *index) step(hashOf func(Ref) uint64) {
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
	x.moved++
	for g != nil {
		for i := 0; i < slots && g.refs[i] != 0; i++ {
			h := hashOf(g.refs[i])
			x.add(&x.groups[h>>x.shift], g.tag(i), g.refs[i])
		}
		id := g.next
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
		x.old, x.altered = nil, true
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
		if g.next == 0 {
			return true
		}
		g = &x.over[g.next]
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
