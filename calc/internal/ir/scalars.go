package ir

import "slices"

// scalars takes structs and cells apart that nothing but this function can see: what
// they hold becomes values, and the objects are not made. A closure that is only
// called where it is made has been inlined by then, so that the cells of what it
// captures are taken apart, too.
func (f *Func) scalars() {
	for f.takeApart() {
		f.copies()
		f.dead()
	}
}

// parts are the objects that are taken apart.
type parts struct {
	f       *Func
	objects map[*Value]*object
	access  map[*Value]*variable // loads and stores, and what they mean
	phis    []slotPhi            // without arguments yet
}

// object is an object that is taken apart, with its slots as they are met.
type object struct {
	made  *Value
	slots []*variable
}

// variable is what a slot becomes: a value at the end of each block that knows it.
type variable struct {
	n   uint64
	t   Type
	end map[*Block]*Value
}

type slotPhi struct {
	x   *variable
	phi *Value
}

// takeApart does so with what can be taken apart now, and tells whether there was
// anything.
func (f *Func) takeApart() bool {
	f.order()
	p := &parts{f: f, objects: make(map[*Value]*object), access: make(map[*Value]*variable)}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == NewStruct || v.Op == NewCell {
				p.objects[v] = &object{made: v}
			}
		}
	}
	p.keepEscaping()
	if len(p.objects) == 0 {
		return false
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			p.note(v)
		}
	}
	for _, b := range f.Blocks {
		p.block(b)
	}
	for len(p.phis) > 0 { // each may ask for more
		last := p.phis[len(p.phis)-1]
		p.phis = p.phis[:len(p.phis)-1]
		for _, pred := range last.phi.Block.Preds {
			last.phi.Args = append(last.phi.Args, p.value(last.x, pred))
		}
	}
	for _, b := range f.Blocks {
		b.Values = slices.DeleteFunc(b.Values, func(v *Value) bool { return p.objects[v] != nil || p.access[v] != nil && v.Op != Copy })
	}
	return true
}

// keepEscaping forgets the objects that are used by more than loads and stores.
func (p *parts) keepEscaping() {
	for _, b := range p.f.Blocks {
		for _, v := range b.Values {
			for i, a := range v.Args {
				load := v.Op == Field || v.Op == Cell
				store := v.Op == SetField || v.Op == SetCell
				if !load && (!store || i != 0) {
					delete(p.objects, a)
				}
			}
		}
		if b.Control != nil {
			delete(p.objects, b.Control)
		}
	}
}

// note finds the slot that an instruction means.
func (p *parts) note(v *Value) {
	switch v.Op {
	case Field, Cell:
		if o := p.objects[v.Args[0]]; o != nil {
			p.access[v] = o.slot(v.Bits, v.Type)
		}
	case SetField, SetCell:
		if o := p.objects[v.Args[0]]; o != nil {
			p.access[v] = o.slot(v.Bits, v.Args[1].Type)
		}
	}
}

// slot returns the variable of a slot: references and words are numbered apart.
func (o *object) slot(n uint64, t Type) *variable {
	for _, x := range o.slots {
		if x.n == n && (x.t == Ref) == (t == Ref) {
			return x
		}
	}
	x := &variable{n: n, t: t, end: make(map[*Block]*Value)}
	o.slots = append(o.slots, x)
	return x
}

// block replaces the loads of a block. The blocks come in reverse postorder: what
// was stored in a block's only predecessor is known, for others there is a phi.
func (p *parts) block(b *Block) {
	for i := 0; i < len(b.Values); i++ {
		v := b.Values[i]
		before := len(b.Values)
		x := p.access[v]
		switch {
		case p.objects[v] != nil:
			p.begin(p.objects[v], b, i)
		case x == nil:
		case v.Op == SetField || v.Op == SetCell:
			x.end[b] = v.Args[1]
		default:
			v.become(p.value(x, b))
		}
		i += len(b.Values) - before // what was put in stands before v
	}
}

// begin gives the slots of a new object, the instruction at a place of b, what they
// hold at first.
func (p *parts) begin(o *object, b *Block, at int) {
	for _, x := range o.slots {
		if o.made.Op == NewCell {
			x.end[b] = o.made.Args[0]
			continue
		}
		op := Const
		if x.t == Ref {
			op = Object
		}
		zero := p.f.newValue(b, op, x.t)
		p.f.insert(b, at, zero)
		x.end[b] = zero
	}
}

// value returns the value of a variable at the end of a block, or of what has been
// done of it. Every way back from there leads to where the object is made.
func (p *parts) value(x *variable, b *Block) *Value {
	at := b
	for x.end[at] == nil && len(at.Preds) == 1 {
		at = at.Preds[0]
	}
	v := x.end[at]
	if v == nil {
		v = p.f.newValue(at, Phi, x.t)
		p.f.insert(at, 0, v)
		p.phis = append(p.phis, slotPhi{x, v})
		x.end[at] = v
	}
	v = v.resolve()
	x.end[b] = v
	return v
}
