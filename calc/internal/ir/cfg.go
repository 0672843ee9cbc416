package ir

import "slices"

// prune removes the blocks that control does not reach and orders the others in
// reverse postorder.
func (f *Func) prune() {
	order := f.postorder()
	slices.Reverse(order)
	for i, b := range order {
		b.number = int32(i)
		for j := len(b.Preds) - 1; j >= 0; j-- {
			if b.Preds[j].epoch != f.epoch {
				b.removePred(j)
			}
		}
	}
	f.mem.order = f.Blocks // lent to the next one
	f.Blocks = order
	f.ordered = true
}

// order prunes if blocks were added since that was done last. What takes edges away
// prunes itself.
func (f *Func) order() {
	if !f.ordered {
		f.prune()
	}
}

// removePred removes a predecessor with the arguments of phis that belong to it.
func (b *Block) removePred(i int) {
	b.Preds = slices.Delete(b.Preds, i, i+1)
	for _, phi := range b.Phis() {
		phi.Args = slices.Delete(phi.Args, i, i+1)
	}
}

// step is a block on the way of postorder and how many of its successors are done.
type step struct {
	b    *Block
	next int
}

// postorder walks the blocks that can be reached; each comes behind its successors
// but for those that lead back. It marks them with the epoch.
func (f *Func) postorder() []*Block {
	f.epoch++
	if cap(f.mem.order) < len(f.Blocks) {
		f.mem.order = make([]*Block, 0, 2*len(f.Blocks))
	}
	order := f.mem.order[:0]
	if f.mem.steps == nil {
		f.mem.steps = make([]step, 0, 16)
	}
	stack := append(f.mem.steps[:0], step{f.Blocks[0], 0})
	f.Blocks[0].epoch = f.epoch
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(top.b.Succs) {
			order = append(order, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		// The last successor first, so that the first one follows its block.
		s := top.b.Succs[len(top.b.Succs)-1-top.next]
		top.next++
		if s.epoch != f.epoch {
			s.epoch = f.epoch
			stack = append(stack, step{s, 0})
		}
	}
	f.mem.steps = stack
	return order
}

// dominators finds the immediate dominator of each block; the blocks are in reverse
// postorder.
func (f *Func) dominators() {
	for _, b := range f.Blocks {
		b.idom = nil
	}
	entry := f.Blocks[0]
	entry.idom = entry
	for changed := true; changed; {
		changed = false
		for _, b := range f.Blocks[1:] {
			var d *Block
			for _, p := range b.Preds {
				switch {
				case p.idom == nil:
				case d == nil:
					d = p
				default:
					d = intersect(d, p)
				}
			}
			if d != b.idom {
				b.idom, changed = d, true
			}
		}
	}
	for _, b := range f.Blocks[1:] {
		b.depth = b.idom.depth + 1
	}
}

func intersect(a, b *Block) *Block {
	for a != b {
		for a.number > b.number {
			a = a.idom
		}
		for b.number > a.number {
			b = b.idom
		}
	}
	return a
}

// dominates tells whether every way to b leads through a.
func (a *Block) dominates(b *Block) bool {
	for b.depth > a.depth {
		b = b.idom
	}
	return a == b
}

// A Loop is a natural loop.
type Loop struct {
	Header *Block
	Outer  *Loop
	Depth  int // 1 for an outermost one
	Blocks []*Block
}

// contains tells whether b is in the loop or one within it.
func (l *Loop) contains(b *Block) bool {
	for m := b.loop; m != nil; m = m.Outer {
		if m == l {
			return true
		}
	}
	return false
}

// Depth returns in how many loops a block is.
func (b *Block) Depth() int {
	if b.loop == nil {
		return 0
	}
	return b.loop.Depth
}

// loops finds the loops, inner ones before those around them, and which block
// belongs to which. Dominators are known.
func (f *Func) loops() []*Loop {
	for _, b := range f.Blocks {
		b.loop = nil
	}
	var list []*Loop
	for i := len(f.Blocks) - 1; i >= 0; i-- {
		h := f.Blocks[i]
		var todo []*Block
		for _, p := range h.Preds {
			if h.dominates(p) {
				todo = append(todo, p)
			}
		}
		if todo == nil {
			continue
		}
		l := &Loop{Header: h}
		l.take(todo)
		list = append(list, l)
	}
	for i := len(list) - 1; i >= 0; i-- {
		if l := list[i]; l.Outer != nil {
			l.Depth = l.Outer.Depth + 1
		} else {
			l.Depth = 1
		}
	}
	for _, b := range f.Blocks {
		for l := b.loop; l != nil; l = l.Outer {
			l.Blocks = append(l.Blocks, b)
		}
	}
	return list
}

// take adds what leads to the header from the blocks of todo. Inner loops, which
// are known, are taken as a whole.
func (l *Loop) take(todo []*Block) {
	l.Header.loop = l
	for len(todo) > 0 {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		inner := b.loop
		if inner == nil {
			b.loop = l
			todo = append(todo, b.Preds...)
			continue
		}
		for inner.Outer != nil && inner.Outer != l {
			inner = inner.Outer
		}
		if inner == l || inner.Outer == l {
			continue
		}
		inner.Outer = l
		for _, p := range inner.Header.Preds {
			if !inner.contains(p) {
				todo = append(todo, p)
			}
		}
	}
}

// analyze brings order, dominators and loops up to date.
func (f *Func) analyze() []*Loop {
	f.order()
	f.dominators()
	return f.loops()
}

// splitEdges puts a block on each edge from a block with several successors to one
// with several predecessors and phis, so that moves have a place.
func (f *Func) splitEdges() {
	for _, b := range f.Blocks[:len(f.Blocks):len(f.Blocks)] { // newBlock adds behind these
		if len(b.Succs) < 2 {
			continue
		}
		for i, s := range b.Succs {
			if len(s.Preds) < 2 || len(s.Phis()) == 0 {
				continue
			}
			m := f.newBlock()
			m.Kind, m.Preds, m.Succs = Jump, append(m.Preds, b), append(m.Succs, s)
			b.Succs[i] = m
			// Both edges may lead to s: the one that still comes from b.
			s.Preds[s.predIndex(b)] = m
		}
	}
}
