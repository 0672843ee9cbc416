package ir

import "slices"

// hoist moves what is the same in each round of a loop to before the loop.
func (f *Func) hoist() {
	loops := f.analyze()
	for _, l := range loops {
		if f.preheader(l) {
			loops = nil
		}
	}
	if loops == nil { // blocks were added
		loops = f.analyze()
	}
	for _, l := range loops {
		l.hoist()
	}
}

// entering returns the predecessors of the header that are outside of the loop.
func (l *Loop) entering() []*Block {
	var list []*Block
	for _, p := range l.Header.Preds {
		if !l.contains(p) {
			list = append(list, p)
		}
	}
	return list
}

// preheader makes sure that a loop is entered from one block that leads nowhere
// else, and tells whether it has added that.
func (f *Func) preheader(l *Loop) bool {
	in := l.entering()
	if len(in) == 1 && len(in[0].Succs) == 1 {
		return false
	}
	h := l.Header
	pre := f.newBlock()
	pre.Kind, pre.Succs = Jump, []*Block{h}
	phis := make(map[*Value]*Value)
	for _, phi := range h.Phis() {
		phis[phi] = f.newValue(pre, Phi, phi.Type)
		pre.Values = append(pre.Values, phis[phi])
	}
	for i := 0; i < len(h.Preds); {
		p := h.Preds[i]
		if !slices.Contains(in, p) {
			i++
			continue
		}
		for _, phi := range h.Phis() {
			phis[phi].Args = append(phis[phi].Args, phi.Args[i])
		}
		h.removePred(i)
		pre.Preds = append(pre.Preds, p)
		for j, s := range p.Succs {
			if s == h {
				p.Succs[j] = pre
				break
			}
		}
	}
	h.Preds = append(h.Preds, pre)
	for _, phi := range h.Phis() {
		phi.Args = append(phi.Args, phis[phi])
	}
	return true
}

func (l *Loop) hoist() {
	in := l.entering()
	if len(in) != 1 || len(in[0].Succs) != 1 {
		return
	}
	pre := in[0]
	written := make(map[class]bool)
	all := false
	for _, b := range l.Blocks {
		for _, v := range b.Values {
			all = v.writes(func(c class) { written[c] = true }) || all
		}
	}
	outside := func(v *Value) bool { return !l.contains(v.Block) }
	for _, b := range l.Blocks { // in reverse postorder: arguments first
		kept := b.Values[:0]
		for _, v := range b.Values {
			if l.invariant(v, written, all) && !slices.ContainsFunc(v.Args, func(a *Value) bool { return !outside(a) }) {
				v.Block = pre
				pre.Values = append(pre.Values, v)
				continue
			}
			kept = append(kept, v)
		}
		b.Values = kept
	}
}

// invariant tells whether an instruction may move to before the loop if its arguments
// are there.
func (l *Loop) invariant(v *Value, written map[class]bool, all bool) bool {
	if c, ok := v.reads(); ok {
		switch v.Op {
		case Field, Len, Global, Cell:
			return !all && !written[c]
		}
		return false
	}
	return v.isPure() && v.movable() && v.Op != Object
}
