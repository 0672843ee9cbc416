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
	all    int // counts up when any class may have changed
	states map[class]int
	shared bool // with the block before
}

func (m *memory) set(c class, n int) {
	switch {
	case m.states == nil:
		m.states = make(map[class]int)
	case m.shared:
		m.states = maps.Clone(m.states)
	}
	m.shared = false
	m.states[c] = n
}

func (m *memory) state(c class) int { return max(m.all, m.states[c]) }

// key is what two instructions that compute the same have in common.
type key struct {
	op      Op
	t       Type
	x, y, z int
	bits    uint64
	aux     any
	state   int
}

// cse replaces what was computed before, on every way here. What an instruction
// reads must not have changed since.
func (f *Func) cse() {
	f.prune()
	f.dominators()
	c := &eliminator{f: f, children: make([][]*Block, f.blocks), ends: make([]*memory, f.blocks), known: make(map[key]*Value)}
	for _, b := range f.Blocks[1:] {
		c.children[b.idom.ID] = append(c.children[b.idom.ID], b)
	}
	c.walk(f.Blocks[0])
	f.copies()
}

type eliminator struct {
	f        *Func
	children [][]*Block // in the dominator tree
	ends     []*memory  // behind blocks
	known    map[key]*Value
	clock    int
}

// walk goes down the dominator tree; what is known in a block is known below it.
func (c *eliminator) walk(top *Block) {
	type level struct {
		b     *Block
		next  int
		added []key
	}
	stack := []level{{b: top, added: c.block(top)}}
	for len(stack) > 0 {
		l := &stack[len(stack)-1]
		if l.next < len(c.children[l.b.ID]) {
			b := c.children[l.b.ID][l.next]
			l.next++
			stack = append(stack, level{b: b, added: c.block(b)})
			continue
		}
		for _, k := range l.added {
			delete(c.known, k)
		}
		stack = stack[:len(stack)-1]
	}
}

func (c *eliminator) block(b *Block) (added []key) {
	var m *memory
	if len(b.Preds) == 1 && c.ends[b.Preds[0].ID] != nil {
		before := *c.ends[b.Preds[0].ID]
		before.shared = true
		m = &before
	} else {
		c.clock++
		m = &memory{all: c.clock}
	}
	c.ends[b.ID] = m
	for _, v := range b.Values {
		for i, a := range v.Args {
			v.Args[i] = a.resolve()
		}
		if k, ok := c.key(v, m); ok {
			if x := c.known[k]; x != nil {
				v.become(x)
				continue
			}
			c.known[k] = v
			added = append(added, k)
		}
		all := v.writes(func(w class) {
			c.clock++
			m.set(w, c.clock)
		})
		if all {
			c.clock++
			m.all = c.clock
		}
		if k, ok := c.stored(v, m); ok && c.known[k] == nil {
			c.known[k] = v.Args[len(v.Args)-1]
			added = append(added, k)
		}
	}
	return added
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
			k.x = a.ID
		case 1:
			k.y = a.ID
		case 2:
			k.z = a.ID
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
		k.op, k.t, k.x = Field, x.Type, v.Args[0].ID
		k.state = m.state(class{Field, v.Bits, x.Type == Ref})
	case SetGlobal:
		k.op, k.t, k.x, k.aux = Global, v.Args[0].Type, -1, v.Aux
		k.state = m.state(class{Global, v.Bits, false})
		if !v.Aux.(*typed.Var).Assigned {
			k.state = 0
		}
	case SetCell:
		k.op, k.t, k.x, k.bits = Cell, v.Args[1].Type, v.Args[0].ID, 0
		k.state = m.state(class{op: Cell})
	default:
		return k, false
	}
	return k, true
}
