package ir

// Sizes of functions, in instructions.
const (
	smallFunc  = 40   // is inlined wherever it is called
	hiddenFunc = 120  // a builtin written in calc is, if it is given a function
	largeFunc  = 3000 // takes in no more
	recursive  = 25   // takes in itself if it has no more
	unrolled   = 500  // up to this
)

// size returns how many instructions a function has, apart from constants.
func (f *Func) size() int {
	n := 0
	for _, b := range f.Blocks {
		n += 1
		for _, v := range b.Values {
			if !v.IsConst() && v.Op != Param && v.Op != Phi {
				n++
			}
		}
	}
	return n
}

// calls tells whether a function calls another directly.
func (f *Func) calls(g *Func) bool {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == Call && v.Aux.(*Func) == g {
				return true
			}
		}
	}
	return false
}

// known makes calls of closures that are made in sight calls of their functions.
func (f *Func) known() {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op != CallValue {
				continue
			}
			c := v.Args[len(v.Args)-1].resolve()
			callee, ok := c.Aux.(*Func)
			if c.Op != Closure || !ok {
				continue
			}
			if callee.Result == None && v.Type != None {
				continue // never: a value is expected of it
			}
			if v.Type == None && callee.Result != None {
				v.Type = callee.Result // it is left unused
			}
			v.Op, v.Aux = Call, callee
			if len(callee.Typed.Captures) == 0 {
				v.Args = v.Args[:len(v.Args)-1]
			}
		}
	}
}

// captured reads what a closure that is made in sight captures from where it came.
func (f *Func) captured() {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op != Capture {
				continue
			}
			if c := v.Args[0].resolve(); c.Op == Closure && int(v.Bits) < len(c.Args) {
				v.become(c.Args[v.Bits].resolve())
			}
		}
	}
	f.copies()
}

// wanted tells whether a call is to be inlined into f.
func (f *Func) wanted(v *Value) bool {
	callee, ok := v.Aux.(*Func)
	if v.Op != Call || !ok || len(callee.Blocks) == 0 {
		return false
	}
	n := callee.size()
	switch {
	case callee == f:
		return false
	case callee.calls(callee):
		return false
	case n <= smallFunc:
		return true
	case callee.Typed.Hidden && n <= hiddenFunc:
		for _, a := range v.Args {
			if a.resolve().Op == Closure {
				return true
			}
		}
	}
	return false
}

// inline takes in the bodies of small functions that f calls.
func (f *Func) inline() {
	size := f.size()
	for i := 0; i < len(f.Blocks); i++ {
		b := f.Blocks[i]
		for j, v := range b.Values {
			if size > largeFunc || !f.wanted(v) {
				continue
			}
			callee := v.Aux.(*Func)
			size += callee.size()
			f.take(b, j, callee)
			break // what stood behind the call is in a new block
		}
	}
	f.prune()
	f.copies()
}

// unroll takes a small function that calls itself into itself, so that it is called
// less often.
func (f *Func) unroll() {
	size := f.size()
	if size > recursive || !f.calls(f) {
		return
	}
	body := &Func{Typed: f.Typed, Result: f.Result, mem: f.mem}
	c := &cloner{f: body, values: make(map[*Value]*Value), blocks: make(map[*Block]*Block)}
	c.body(f)
	for level := 0; level < 5; level++ {
		calls := 0
		var blocks []*Block // of calls that were there when the level began
		for _, b := range f.Blocks {
			for _, v := range b.Values {
				if v.Op == Call && v.Aux.(*Func) == f {
					calls++
				}
			}
			blocks = append(blocks, b)
		}
		if f.size()+calls*size > unrolled {
			break
		}
		for _, b := range blocks {
			for b != nil {
				b = f.takeFirst(b, body)
			}
		}
		f.prune()
		f.copies()
	}
}

// takeFirst puts a copy of body where a block calls f first, and returns the block in
// which what stood behind that is; nil if there was no call.
func (f *Func) takeFirst(b *Block, body *Func) *Block {
	for j, v := range b.Values {
		if v.Op == Call && v.Aux.(*Func) == f {
			return f.take(b, j, body)
		}
	}
	return nil
}

// take puts a copy of callee where b.Values[j] calls it, and returns the block of what
// stood behind.
func (f *Func) take(b *Block, j int, callee *Func) (rest *Block) {
	call := b.Values[j]
	rest = f.newBlock()
	rest.Kind, rest.Control, rest.Succs = b.Kind, b.Control, b.Succs
	for _, s := range rest.Succs {
		for k, p := range s.Preds {
			if p == b {
				s.Preds[k] = rest
			}
		}
	}
	rest.Values = append(rest.Values, b.Values[j+1:]...)
	for _, v := range rest.Values {
		v.Block = rest
	}
	b.Values = b.Values[:j]
	b.Kind, b.Control, b.Succs = Jump, nil, nil

	c := &cloner{f: f, call: call, values: make(map[*Value]*Value), blocks: make(map[*Block]*Block), sites: make(map[*Site]*Site)}
	entry := c.body(callee)
	b.addEdge(entry)

	var results []*Value
	for _, old := range callee.Blocks {
		if old.Kind != Return {
			continue
		}
		end := c.blocks[old]
		end.Kind = Jump
		end.Control = nil
		end.addEdge(rest)
		if old.Control != nil {
			results = append(results, c.values[old.Control])
		}
	}
	if call.Type == None {
		return rest
	}
	if len(results) == 0 { // it never returns
		zero := f.constant(call.Type, 0)
		if call.Type == Ref {
			zero.Op = Object
		}
		call.become(zero)
	} else {
		call.Op, call.Args, call.Aux, call.Site = Phi, results, nil, nil
	}
	call.Block = rest
	rest.Values = append([]*Value{call}, rest.Values...)
	return rest
}

// cloner copies the body of a function into another.
type cloner struct {
	f      *Func
	call   *Value
	values map[*Value]*Value
	blocks map[*Block]*Block
	sites  map[*Site]*Site
}

func (c *cloner) body(callee *Func) (entry *Block) {
	for _, old := range callee.Blocks {
		b := c.f.newBlock()
		b.Kind, b.Site = old.Kind, c.site(old.Site)
		c.blocks[old] = b
		for _, v := range old.Values {
			if v.Op == Param && c.call != nil {
				c.values[v] = c.call.Args[v.Bits]
				continue
			}
			n := c.f.newValue(b, v.Op, v.Type)
			n.Bits, n.Aux, n.Safe, n.Site = v.Bits, v.Aux, v.Safe, c.site(v.Site)
			c.values[v] = n
			b.Values = append(b.Values, n)
		}
	}
	for _, old := range callee.Blocks {
		b := c.blocks[old]
		for _, v := range old.Values {
			if v.Op == Param && c.call != nil {
				continue
			}
			n := c.values[v]
			for _, a := range v.Args {
				n.Args = append(n.Args, c.values[a])
			}
		}
		if old.Control != nil {
			b.Control = c.values[old.Control]
		}
		for _, p := range old.Preds {
			b.Preds = append(b.Preds, c.blocks[p])
		}
		for _, s := range old.Succs {
			b.Succs = append(b.Succs, c.blocks[s])
		}
	}
	return c.blocks[callee.Blocks[0]]
}

// site returns a place in the callee as one in a call from here.
func (c *cloner) site(s *Site) *Site {
	if s == nil || c.call == nil {
		return s
	}
	if n := c.sites[s]; n != nil {
		return n
	}
	n := &Site{Pos: s.Pos, Func: s.Func, Parent: c.call.Site}
	if s.Parent != nil {
		n.Parent = c.site(s.Parent)
	}
	c.sites[s] = n
	return n
}
