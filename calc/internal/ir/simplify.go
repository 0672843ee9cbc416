package ir

// resolve follows copies.
func (v *Value) resolve() *Value {
	for v.Op == Copy {
		if next := v.Args[0]; next.Op == Copy {
			v.Args[0] = next.Args[0] // shorter for the next one
		}
		v = v.Args[0]
	}
	return v
}

// become makes v a copy of x.
func (v *Value) become(x *Value) {
	v.Op, v.Args, v.Aux, v.Bits, v.Safe = Copy, append(v.Args[:0], x), nil, 0, false
}

// copies removes phis whose arguments are all the same, and copies.
func (f *Func) copies() {
	for changed := true; changed; {
		changed = false
		for _, b := range f.Blocks {
			for _, v := range b.Values {
				if v.Op != Phi {
					continue
				}
				if same := v.agreed(); same != nil {
					v.become(same)
					changed = true
				}
			}
		}
	}
	for _, b := range f.Blocks {
		kept := b.Values[:0]
		for _, v := range b.Values {
			if v.Op == Copy {
				continue
			}
			for i, a := range v.Args {
				v.Args[i] = a.resolve()
			}
			kept = append(kept, v)
		}
		b.Values = kept
		if b.Control != nil {
			b.Control = b.Control.resolve()
		}
	}
}

// agreed returns the one value that all arguments of a phi are, apart from the phi
// itself, or nil.
func (v *Value) agreed() *Value {
	var same *Value
	for _, a := range v.Args {
		a = a.resolve()
		if a == v || a == same {
			continue
		}
		if same != nil {
			return nil
		}
		same = a
	}
	return same
}

// dead removes instructions that nothing needs.
func (f *Func) dead() {
	needed := f.mem.bools(f.values)
	if f.mem.todo == nil {
		f.mem.todo = make([]*Value, 0, 16)
	}
	todo := f.mem.todo[:0]
	need := func(v *Value) {
		if !needed[v.ID] {
			needed[v.ID] = true
			todo = append(todo, v)
		}
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if !v.removable() {
				need(v)
			}
		}
		if b.Control != nil {
			need(b.Control)
		}
	}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, a := range v.Args {
			need(a)
		}
	}
	f.mem.todo = todo
	for _, b := range f.Blocks {
		kept := b.Values[:0]
		for _, v := range b.Values {
			if needed[v.ID] {
				kept = append(kept, v)
			}
		}
		b.Values = kept
	}
}
