package ir

import "github.com/groundwork-go/groundwork/calc/internal/typed"

// Variables become values while the tree is walked. Each block knows the values of
// the variables that were set in it; what is not known is asked of its
// predecessors. A block is sealed when it has all of them. Asking a block before
// that leaves a phi without arguments, which sealing completes.

type blockVars struct {
	first  int32                 // def of the builder, 1 + its index; 0: none
	count  int32                 // of the defs
	defs   map[*typed.Var]*Value // instead of the list, when that is long
	sealed bool
	open   int32 // openPhi of the builder, 1 + its index; 0: none
}

// def is the value of a variable in a block, one of a list.
type def struct {
	v    *typed.Var
	x    *Value
	next int32
}

// manyDefs is how long a list of defs becomes.
const manyDefs = 12

func (b *builder) def(s *blockVars, v *typed.Var) *Value {
	if s.defs != nil {
		return s.defs[v]
	}
	for i := s.first; i != 0; i = b.defs[i-1].next {
		if b.defs[i-1].v == v {
			return b.defs[i-1].x
		}
	}
	return nil
}

func (b *builder) write(v *typed.Var, blk *Block, x *Value) {
	s := &b.state[blk.ID]
	if s.defs != nil {
		s.defs[v] = x
		return
	}
	for i := s.first; i != 0; i = b.defs[i-1].next {
		if b.defs[i-1].v == v {
			b.defs[i-1].x = x
			return
		}
	}
	if s.count == manyDefs {
		s.defs = make(map[*typed.Var]*Value)
		for i := s.first; i != 0; i = b.defs[i-1].next {
			s.defs[b.defs[i-1].v] = b.defs[i-1].x
		}
		s.defs[v] = x
		return
	}
	if b.defs == nil {
		b.defs = make([]def, 0, 12)
	}
	b.defs = append(b.defs, def{v, x, s.first})
	s.first = int32(len(b.defs))
	s.count++
}

type openPhi struct {
	v    *typed.Var
	phi  *Value
	next int32
}

func (b *builder) block() *Block {
	blk := b.fn.newBlock()
	if b.state == nil {
		b.state = make([]blockVars, 0, 12)
	}
	b.state = append(b.state, blockVars{})
	return blk
}

// read returns the value of a variable at the end of a block.
func (b *builder) read(v *typed.Var, blk *Block) *Value {
	// A chain of single predecessors may be long: it is walked, not recursed into.
	at := blk
	for {
		s := &b.state[at.ID]
		if x := b.def(s, v); x != nil {
			if at != blk {
				b.write(v, blk, x)
			}
			return x
		}
		if !s.sealed || len(at.Preds) != 1 {
			break
		}
		at = at.Preds[0]
	}
	x := b.readHere(v, at)
	b.write(v, blk, x)
	return x
}

func (b *builder) readHere(v *typed.Var, blk *Block) *Value {
	t := b.varType(v)
	s := &b.state[blk.ID]
	if s.sealed && len(blk.Preds) == 0 { // code that is never reached
		return b.zero(blk, t)
	}
	phi := b.fn.newValue(blk, Phi, t)
	b.fn.insert(blk, 0, phi)
	b.write(v, blk, phi)
	if !s.sealed {
		b.open = append(b.open, openPhi{v, phi, s.open})
		s.open = int32(len(b.open))
		return phi
	}
	return b.complete(v, phi)
}

// zero returns a constant that stands for what is never used.
func (b *builder) zero(blk *Block, t Type) *Value {
	op := Const
	if t == Ref {
		op = Object
	}
	x := b.fn.newValue(blk, op, t)
	b.fn.insert(blk, len(blk.Phis()), x)
	return x
}

// complete gives a phi its arguments. One that all agree on is a copy of it.
func (b *builder) complete(v *typed.Var, phi *Value) *Value {
	phi.Args = b.fn.mem.list(len(phi.Block.Preds))
	for _, p := range phi.Block.Preds {
		phi.Args = append(phi.Args, b.read(v, p))
	}
	return phi
}

func (b *builder) seal(blk *Block) {
	s := &b.state[blk.ID]
	s.sealed = true
	for i := s.open; i != 0; i = b.open[i-1].next {
		b.complete(b.open[i-1].v, b.open[i-1].phi)
	}
}

// varType returns the type of what stands for a variable: a cell, or its value.
func (b *builder) varType(v *typed.Var) Type {
	if v.InCell() {
		return Ref
	}
	return TypeOf(v.Type)
}
