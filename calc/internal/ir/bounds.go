package ir

// bounds finds the elements of lists that are within their bounds for certain: in a
// loop that goes on as long as i < len(xs), where i counts up from no less than 0
// and the list does not change its length.
func (f *Func) bounds() {
	loops := f.analyze()
	fixed := !resizes(f.Blocks)
	for _, l := range loops {
		h := l.Header
		c := h.Control
		if h.Kind != If || c.Op != Lt || c.Args[1].Op != Len || !l.counts(c.Args[0]) || resizes(l.Blocks) {
			continue
		}
		if !fixed && !l.fresh(c.Args[1]) {
			continue
		}
		body := h.Succs[0]
		if len(body.Preds) != 1 || !l.contains(body) {
			continue
		}
		i, list := c.Args[0], c.Args[1].Args[0]
		for _, b := range l.Blocks {
			if !body.dominates(b) {
				continue
			}
			for _, v := range b.Values {
				if (v.Op == Index || v.Op == SetIndex) && v.Args[0] == list && v.Args[1] == i {
					v.Safe = true
				}
			}
		}
	}
}

// counts tells whether a phi of the header begins at a constant that is not negative
// and grows in each round.
func (l *Loop) counts(i *Value) bool {
	if i.Op != Phi || i.Block != l.Header {
		return false
	}
	for k, p := range l.Header.Preds {
		a := i.Args[k]
		switch {
		case !l.contains(p) && a.Op == Const && a.int() >= 0:
		case !l.contains(p) && l.Outer != nil && l.Outer.counts(a):
			// It begins where a loop around is.
		case l.contains(p) && a.Op == Add && a.Args[0] == i && a.Args[1].Op == Const && a.Args[1].int() == 1:
		default:
			return false
		}
	}
	return true
}

// fresh tells whether a length is still right when the loop begins: it is taken in
// the header, or before it with nothing behind that could change it.
func (l *Loop) fresh(length *Value) bool {
	if length.Block == l.Header {
		return true
	}
	in := l.entering()
	if len(in) != 1 || length.Block != in[0] {
		return false
	}
	behind := false
	for _, v := range in[0].Values {
		if behind && v.resizes() {
			return false
		}
		behind = behind || v == length
	}
	return true
}

// resizes tells whether an instruction may change the length of a list.
func (v *Value) resizes() bool {
	found := false
	return v.writes(func(c class) { found = found || c.op == Len }) || found
}

func resizes(blocks []*Block) bool {
	for _, b := range blocks {
		for _, v := range b.Values {
			if v.resizes() {
				return true
			}
		}
	}
	return false
}

// Expose takes what machine code needs of lists out of loops that change the length
// of none: behind its own arguments each access gets where the elements are (Data)
// and, unless it is safe, how many (Len). Only the native engine wants that.
func (f *Func) Expose() {
	loops := f.analyze()
	for i := len(loops) - 1; i >= 0; i-- { // outer loops first
		l := loops[i]
		in := l.entering()
		if len(in) != 1 || len(in[0].Succs) != 1 || resizes(l.Blocks) {
			continue
		}
		e := &exposed{f: f, to: in[0], known: make(map[key]*Value)}
		for _, b := range l.Blocks {
			for _, v := range b.Values {
				if own := v.ownArgs(); own > 0 && len(v.Args) == own && !l.contains(v.Args[0].Block) {
					v.Args = append(v.Args, e.read(Data, v))
					if !v.Safe {
						v.Args = append(v.Args, e.read(Len, v))
					}
				}
			}
		}
	}
}

// ownArgs returns how many arguments an access to a list has without Expose, 0 for
// other instructions.
func (v *Value) ownArgs() int {
	switch v.Op {
	case Index:
		return 2
	case SetIndex:
		return 3
	}
	return 0
}

// exposed are the reads that stand before a loop.
type exposed struct {
	f     *Func
	to    *Block
	known map[key]*Value
}

func (e *exposed) read(op Op, access *Value) *Value {
	list := access.Args[0]
	k := key{op: op, x: int32(list.ID), bits: access.Bits}
	if e.known[k] == nil {
		x := e.f.add(e.to, op, Int, list)
		x.Bits = access.Bits
		e.known[k] = x
	}
	return e.known[k]
}
