package ir

import (
	"maps"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
)

// class is a part of memory that instructions read and write: the same slot of
// structs, the elements of lists of one representation, the lengths of lists, a
// global, what cells hold, maps.
type class struct {
	op  Op
	n   uint64
	ref bool
}

// reads returns the class that an instruction reads, if it reads one.
func (v *Value) reads() (class, bool) {
	switch v.Op {
	case Global:
		return class{Global, v.Bits, false}, !v.Safe
	case Field:
		return class{Field, v.Bits, v.Type == Ref}, true
	case Index:
		return class{Index, v.Bits, false}, true
	case Len:
		return class{op: Len}, true
	case Cell:
		return class{op: Cell}, true
	case MapGet, MapChanges, MapNext, MapKey, MapValue:
		return class{op: MapGet}, true
	}
	return class{}, false
}

// writers are the builtins that change what they are given. Those of the host
// work on copies.
var writers = map[string]bool{
	"pop": true, "insert": true, "remove": true, "clear": true, "reverse": true, "sort": true, "sortByKeys": true, "sortBy": true, "delete": true,
}

// writes calls f with each class that an instruction writes, and tells whether it may
// write all of them.
func (v *Value) writes(f func(class)) (all bool) {
	switch v.Op {
	case Call, CallValue:
		return true
	case Builtin:
		b := v.Aux.(*typed.Builtin)
		return !b.Host && writers[b.Name]
	case SetGlobal:
		f(class{Global, v.Bits, false})
	case SetField:
		f(class{Field, v.Bits, v.Args[1].Type == Ref})
	case SetIndex:
		f(class{Index, v.Bits, false})
	case Push:
		f(class{Index, v.Bits, false})
		f(class{op: Len})
	case SetCell:
		f(class{op: Cell})
	case MapSet:
		f(class{op: MapGet})
	}
	return false
}

// memory numbers the states of each class.
type memory struct {
	all    int32 // counts up when any class may have changed
	states map[class]int32
	shared bool // with the block before
}

func (m *memory) set(c class, n int32) {
	switch {
	case m.states == nil:
		m.states = make(map[class]int32)
	case m.shared:
		m.states = maps.Clone(m.states)
	}
	m.shared = false
	m.states[c] = n
}

func (m *memory) state(c class) int32 {
	if m.states == nil {
		return m.all
	}
	return max(m.all, m.states[c])
}

// key is what two instructions that compute the same have in common.
type key struct {
	op      Op
	t       Type
	x, y, z int32 // IDs of the arguments, -1: none
	state   int32 // of the memory that is read
	bits    uint64
	aux     any
}

// hash mixes what tells keys apart; aux rarely does.
func (k *key) hash() uint32 {
	h := uint64(k.op)<<8 | uint64(k.t)
	for _, n := range [...]uint64{uint64(uint32(k.x)), uint64(uint32(k.y)), uint64(uint32(k.z)), k.bits, uint64(k.state)} {
		h = (h ^ n) * 0x9e3779b97f4a7c15
	}
	return uint32(h >> 32)
}

// table holds the values that are known, by their keys. What was added last can be
// taken out again.
type table struct {
	heads   []int32 // of chains, by hash: 1 + index of an entry; 0: none
	entries []entry
}

type entry struct {
	key  key
	hash uint32
	next int32
	v    *Value
}

// reset empties the table and makes it fit for about n entries.
func (t *table) reset(n int) {
	size := 64
	for size < n {
		size *= 2
	}
	if size > len(t.heads) {
		t.heads = make([]int32, size)
	} else {
		clear(t.heads)
	}
	if t.entries == nil {
		t.entries = make([]entry, 0, 12)
	}
	t.entries = t.entries[:0]
}

func (t *table) get(k *key, hash uint32) *Value {
	for i := t.heads[hash&uint32(len(t.heads)-1)]; i != 0; {
		e := &t.entries[i-1]
		if e.hash == hash && e.key == *k {
			return e.v
		}
		i = e.next
	}
	return nil
}

func (t *table) add(k *key, hash uint32, v *Value) {
	head := &t.heads[hash&uint32(len(t.heads)-1)]
	t.entries = append(t.entries, entry{*k, hash, *head, v})
	*head = int32(len(t.entries))
}

// cut takes out all but the first n entries.
func (t *table) cut(n int) {
	for i := len(t.entries) - 1; i >= n; i-- {
		e := &t.entries[i]
		t.heads[e.hash&uint32(len(t.heads)-1)] = e.next
		*e = entry{}
	}
	t.entries = t.entries[:n]
}

// cse replaces what was computed before, on every way here. What an instruction
// reads must not have changed since. What that makes plain is folded.
func (f *Func) cse() {
	f.order()
	f.dominators()
	if len(f.mem.memories) < f.blocks {
		f.mem.memories = make([]memory, f.blocks+f.blocks/2)
	}
	c := &eliminator{f: f, ends: f.mem.memories[:f.blocks], known: &f.mem.known}
	clear(c.ends)
	c.known.reset(f.values)
	for _, b := range f.Blocks {
		b.child, b.sibling = nil, nil
	}
	for i := len(f.Blocks) - 1; i > 0; i-- { // so that the children are in order
		b := f.Blocks[i]
		b.sibling, b.idom.child = b.idom.child, b
	}
	c.walk(f.Blocks[0])
	if c.found {
		f.copies()
		f.fold()
	}
}

type eliminator struct {
	f     *Func
	found bool
	ends  []memory // behind blocks; all is 0 for one that was not there yet
	known *table
	clock int32
}

// level is a block on the way down the dominator tree: the child that comes next, and
// how many values were known before it.
type level struct {
	next  *Block
	known int
}

// walk goes down the dominator tree; what is known in a block is known below it.
func (c *eliminator) walk(top *Block) {
	stack := append(c.f.mem.levels[:0], level{top.child, 0})
	c.block(top)
	for len(stack) > 0 {
		l := &stack[len(stack)-1]
		if b := l.next; b != nil {
			l.next = b.sibling
			stack = append(stack, level{b.child, len(c.known.entries)})
			c.block(b)
			continue
		}
		c.known.cut(l.known)
		stack = stack[:len(stack)-1]
	}
	c.f.mem.levels = stack
}

func (c *eliminator) block(b *Block) {
	m := &c.ends[b.ID]
	if len(b.Preds) == 1 && c.ends[b.Preds[0].ID].all != 0 {
		*m = c.ends[b.Preds[0].ID]
		m.shared = true
	} else {
		c.clock++
		*m = memory{all: c.clock}
	}
	for _, v := range b.Values {
		for i, a := range v.Args {
			v.Args[i] = a.resolve()
		}
		if k, ok := c.key(v, m); ok {
			h := k.hash()
			if x := c.known.get(&k, h); x != nil {
				v.become(x)
				c.found = true
				continue
			}
			c.known.add(&k, h, v)
		}
		all := v.writes(func(w class) {
			c.clock++
			m.set(w, c.clock)
		})
		if all {
			c.clock++
			m.all = c.clock
		}
		if k, ok := c.stored(v, m); ok {
			if h := k.hash(); c.known.get(&k, h) == nil {
				c.known.add(&k, h, v.Args[len(v.Args)-1])
			}
		}
	}
}

// key returns what identifies a computation, and whether it may be shared.
func (c *eliminator) key(v *Value, m *memory) (key, bool) {
	k := key{op: v.Op, t: v.Type, bits: v.Bits, aux: v.Aux, x: -1, y: -1, z: -1}
	if cl, ok := v.reads(); ok {
		k.state = m.state(cl)
	} else if !v.isPure() || v.Op == Object {
		return k, false
	}
	for i, a := range v.Args {
		switch i {
		case 0:
			k.x = int32(a.ID)
		case 1:
			k.y = int32(a.ID)
		case 2:
			k.z = int32(a.ID)
		default:
			return k, false
		}
	}
	if commutes[v.Op] && k.x > k.y {
		k.x, k.y = k.y, k.x
	}
	return k, true
}

// stored returns the key under which a load finds what was just stored.
func (c *eliminator) stored(v *Value, m *memory) (key, bool) {
	k := key{bits: v.Bits, y: -1, z: -1}
	switch v.Op {
	case SetField:
		x := v.Args[1]
		k.op, k.t, k.x = Field, x.Type, int32(v.Args[0].ID)
		k.state = m.state(class{Field, v.Bits, x.Type == Ref})
	case SetGlobal:
		k.op, k.t, k.x, k.aux = Global, v.Args[0].Type, -1, v.Aux
		k.state = m.state(class{Global, v.Bits, false})
		if !v.Aux.(*typed.Var).Assigned {
			k.state = 0
		}
	case SetCell:
		k.op, k.t, k.x, k.bits = Cell, v.Args[1].Type, int32(v.Args[0].ID), 0
		k.state = m.state(class{op: Cell})
	default:
		return k, false
	}
	return k, true
}
