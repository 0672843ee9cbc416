// Package ir is the form of programs between the checked tree and the machines:
// functions of basic blocks in static single assignment form, the passes that
// improve them, and the order and life times that code generators ask for.
//
// Every value is one 64-bit word (an int, the bits of a float, a bool) or one
// reference; which of the two, its Type says. What can fail carries a Site, which
// names its place in the source and the calls that were inlined around it, so
// that errors look as if nothing had been moved.
//
// There is no instruction that looks whether the run has to end: each code
// generator does so where control goes backwards and where functions begin.
package ir

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Type is the type of a value, as far as machines care.
type Type uint8

// The types of values.
const (
	None Type = iota
	Int
	Float
	Bool
	Ref
)

// A Program is the code of a checked program.
type Program struct {
	Typed *typed.Program
	Funcs []*Func // by typed.Func.Index
}

// A Func is a function. Its first block is Blocks[0], which has no predecessors.
type Func struct {
	Typed  *typed.Func
	Params []*Value // in the entry block; the function's own closure last, if it captures
	Result Type
	Blocks []*Block

	values, blocks int   // numbers given so far
	epoch          int32 // of the last walk over the blocks
	ordered        bool  // Blocks are those that are reached, in their order
	mem            *slab
}

// Name returns the name of the function.
func (f *Func) Name() string { return f.Typed.Name }

// Located returns what to panic with, having recovered r while working on the
// function: with the place of the last instruction that has one. f may be nil.
func (f *Func) Located(r any) any {
	if f == nil {
		return r
	}
	pos := syntax.Pos{Line: 1, Col: 1}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Site != nil {
				pos = v.Site.Pos
			}
		}
	}
	return typed.Located(r, f.Typed.File, pos)
}

// NumValues returns a bound of the numbers of values.
func (f *Func) NumValues() int { return f.values }

// NumBlocks returns a bound of the numbers of blocks.
func (f *Func) NumBlocks() int { return f.blocks }

// Kind is how a block ends.
type Kind uint8

// The kinds of blocks.
const (
	Stop   Kind = iota // control does not come to the end
	Jump               // to Succs[0]
	If                 // to Succs[0] if Control is true, else to Succs[1]
	Return             // with Control, which may be nil
)

// A Block is a run of instructions that is entered at its start and left at its
// end.
type Block struct {
	ID      int
	Kind    Kind
	Control *Value
	Values  []*Value // phis first
	Preds   []*Block
	Succs   []*Block
	Site    *Site // of a loop, in its header

	idom   *Block
	depth  int32 // in the dominator tree
	number int32 // in reverse postorder
	epoch  int32 // of the walk that has seen it last
	loop   *Loop

	child, sibling *Block // in the dominator tree, while cse runs
	preds, succs   [2]*Block
}

// A Value is an instruction and what it computes.
type Value struct {
	ID    int
	Op    Op
	Type  Type
	Safe  bool // of an instruction that can fail: it is known not to
	Args  []*Value
	Block *Block
	Bits  uint64 // a constant, a number, a slot
	Aux   any    // what else the instruction needs
	Site  *Site
}

// A Site is a place in the source.
type Site struct {
	Pos    syntax.Pos
	Func   *typed.Func
	Parent *Site // the call by which Func was inlined here
}

// newBlock returns a block that nothing leads to yet.
func (f *Func) newBlock() *Block {
	b := f.mem.block()
	f.ordered = false
	b.ID = f.blocks
	if f.blocks == 0 {
		f.Blocks = make([]*Block, 0, 16)
	}
	f.blocks++
	f.Blocks = append(f.Blocks, b)
	return b
}

// newValue returns an instruction that is in no block's list yet.
func (f *Func) newValue(b *Block, op Op, t Type, args ...*Value) *Value {
	v := f.mem.value()
	v.ID, v.Op, v.Type, v.Block = f.values, op, t, b
	if len(args) > 0 {
		v.Args = append(f.mem.list(len(args)), args...)
	}
	f.values++
	return v
}

// add appends an instruction to a block.
func (f *Func) add(b *Block, op Op, t Type, args ...*Value) *Value {
	v := f.newValue(b, op, t, args...)
	f.push(b, v)
	return v
}

// push puts an instruction at the end of a block's list.
func (f *Func) push(b *Block, v *Value) {
	if b.Values == nil {
		b.Values = f.mem.list(6)
	}
	b.Values = append(b.Values, v)
}

// insert puts an instruction into a block's list.
func (f *Func) insert(b *Block, at int, v *Value) {
	f.push(b, v)
	copy(b.Values[at+1:], b.Values[at:])
	b.Values[at] = v
}

// addEdge makes to a successor of b.
func (b *Block) addEdge(to *Block) {
	b.Succs = append(b.Succs, to)
	to.Preds = append(to.Preds, b)
}

// predIndex returns which of b's predecessors p is.
func (b *Block) predIndex(p *Block) int {
	for i, q := range b.Preds {
		if q == p {
			return i
		}
	}
	return -1
}

// Phis returns the phis of a block.
func (b *Block) Phis() []*Value {
	for i, v := range b.Values {
		if v.Op != Phi {
			return b.Values[:i]
		}
	}
	return b.Values
}

// IsConst tells whether v is a constant word, or a constant reference.
func (v *Value) IsConst() bool { return v.Op == Const || v.Op == Object }
