package ir

import "slices"

// merge joins blocks that always follow one another and drops empty ones.
func (f *Func) merge() {
	merged := false
	for _, b := range f.Blocks {
		for b.Kind == Jump && len(b.Succs[0].Preds) == 1 && b.Succs[0] != b {
			merged = true
			s := b.Succs[0]
			for _, phi := range s.Phis() { // of one argument
				phi.become(phi.Args[0])
			}
			for _, v := range s.Values {
				v.Block = b
			}
			b.Values = append(b.Values, s.Values...)
			b.Kind, b.Control, b.Succs = s.Kind, s.Control, s.Succs
			for _, t := range s.Succs {
				for i, p := range t.Preds {
					if p == s {
						t.Preds[i] = b
					}
				}
			}
			s.Kind, s.Control, s.Values, s.Succs, s.Preds = Stop, nil, nil, nil, nil
		}
	}
	if merged {
		f.prune()
		f.copies()
	}
}

// Layout splits edges that need it and returns the order in which a code generator
// emits the blocks: loops stand together, with the test of whether they go on
// behind the round where it has a place of its own, so that a round has one
// branch. Control that goes backwards in this order closes a loop.
func (f *Func) Layout() []*Block {
	f.order()
	f.splitEdges()
	loops := f.analyze()
	order := make([]*Block, 0, len(f.Blocks))
	if len(loops) == 0 {
		return append(order, f.Blocks...)
	}
	placed := f.mem.bools(f.blocks)
	var place func(blocks []*Block, in *Loop)
	place = func(blocks []*Block, in *Loop) {
		for _, b := range blocks {
			if placed[b.ID] {
				continue
			}
			if l := outermost(b, in); l != nil && l != in {
				from := len(order)
				place(l.Blocks, l)
				l.rotate(order[from:])
				continue
			}
			placed[b.ID] = true
			order = append(order, b)
		}
	}
	place(f.Blocks, nil)
	return order
}

// outermost returns the outermost loop around b within another.
func outermost(b *Block, in *Loop) *Loop {
	l := b.loop
	for l != nil && l.Outer != in && l != in {
		l = l.Outer
	}
	return l
}

// rotate moves the header to the end if it decides whether the loop goes on.
func (l *Loop) rotate(chain []*Block) {
	h := chain[0]
	if len(chain) < 2 || h != l.Header || h.Kind != If {
		return
	}
	for i, s := range h.Succs {
		if !l.contains(s) && h.Succs[1-i] == chain[1] {
			copy(chain, chain[1:])
			chain[len(chain)-1] = h
			return
		}
	}
}

// LoopSite returns the place of the loop that a block is in.
func (b *Block) LoopSite() *Site {
	for l := b.loop; l != nil; l = l.Outer {
		if l.Header.Site != nil {
			return l.Header.Site
		}
	}
	return nil
}

// A Range is a part of a function in its order: from a position to before another.
type Range struct{ From, To int32 }

// Lives tells where values are needed, by their numbers.
type Lives struct {
	Order  []*Block
	Start  []int32 // of blocks, by ID; phis are computed there
	End    []int32 // of blocks, by ID; control and the arguments of phis are used there
	Pos    []int32
	Ranges [][]Range
	Uses   []int32 // how many
}

// Live numbers the instructions of a function, in the order of its blocks, and finds
// where values are needed. Values that are folded into those that use them are
// needed nowhere, but their arguments are where those are.
func (f *Func) Live(order []*Block, folded []bool) *Lives {
	ints := make([]int32, 4*f.blocks+3*f.values)
	cut := func(n int) []int32 {
		part := ints[:n:n]
		ints = ints[n:]
		return part
	}
	l := &Lives{Order: order, Start: cut(f.blocks), End: cut(f.blocks), Pos: cut(f.values), Uses: cut(f.values), Ranges: make([][]Range, f.values)}
	pos := int32(0)
	for _, b := range order {
		l.Start[b.ID] = pos
		for _, v := range b.Values {
			if v.Op != Phi {
				pos += 2
			}
			l.Pos[v.ID] = pos
		}
		pos += 2
		l.End[b.ID] = pos
		pos += 2
	}
	u := users{folded: folded, first: cut(f.values), list: make([]user, 1, f.values+8)}
	u.find(l)
	r := reacher{f: f, l: l, to: cut(f.blocks), seen: cut(f.blocks), room: make([]Range, 0, len(u.list))}
	for _, b := range order {
		for _, v := range b.Values {
			if !folded[v.ID] {
				r.value(b, v, &u)
			}
		}
	}
	return l
}

// user is a place where a value is used.
type user struct {
	b         *Block
	pos, next int32 // in the list; 0: no more
}

// users lists the places where each value is used.
type users struct {
	folded []bool
	first  []int32 // by value ID
	list   []user
}

func (u *users) note(v *Value, b *Block, pos int32) {
	if u.folded[v.ID] {
		for _, a := range v.Args {
			u.note(a, b, pos)
		}
		return
	}
	u.list = append(u.list, user{b, pos, u.first[v.ID]})
	u.first[v.ID] = int32(len(u.list) - 1)
}

func (u *users) find(l *Lives) {
	for _, b := range l.Order {
		for _, v := range b.Values {
			if u.folded[v.ID] {
				continue
			}
			for i, a := range v.Args {
				if v.Op == Phi {
					u.note(a, b.Preds[i], l.End[b.Preds[i].ID])
				} else {
					u.note(a, b, l.Pos[v.ID])
				}
			}
		}
		if b.Control != nil {
			u.note(b.Control, b, l.End[b.ID])
		}
	}
}

// reacher walks from the uses of values to where they are computed.
type reacher struct {
	f             *Func
	l             *Lives
	to, seen      []int32 // of blocks, by ID: where the value is needed last; 1 + the ID of the value
	touched, todo []*Block
	room          []Range
}

func (r *reacher) value(b *Block, v *Value, u *users) {
	l := r.l
	r.touched = r.touched[:0]
	r.reach(b, b, v, l.Pos[v.ID]+1)
	for i := u.first[v.ID]; i != 0; i = u.list[i].next {
		l.Uses[v.ID]++
		r.reach(b, u.list[i].b, v, u.list[i].pos)
		for len(r.todo) > 0 {
			p := r.todo[len(r.todo)-1]
			r.todo = r.todo[:len(r.todo)-1]
			r.reach(b, p, v, l.End[p.ID]+2)
		}
	}
	if cap(r.room)-len(r.room) < len(r.touched) {
		r.room = make([]Range, 0, max(2*len(r.touched), r.f.values))
	}
	start := len(r.room)
	for _, t := range r.touched {
		from := l.Start[t.ID]
		if t == b {
			from = l.Pos[v.ID]
		}
		r.room = append(r.room, Range{from, r.to[t.ID]})
	}
	list := joined(r.room[start:])
	l.Ranges[v.ID] = list[:len(list):len(list)]
	r.room = r.room[:start+len(list)]
}

// reach notes that v, computed in b, is needed in block at up to a position.
func (r *reacher) reach(b, at *Block, v *Value, pos int32) {
	if id := int32(v.ID) + 1; r.seen[at.ID] != id {
		r.seen[at.ID], r.to[at.ID] = id, pos
		r.touched = append(r.touched, at)
		if at != b {
			r.todo = append(r.todo, at.Preds...)
		}
	} else {
		r.to[at.ID] = max(r.to[at.ID], pos)
	}
}

// joined sorts ranges and joins those that touch.
func joined(list []Range) []Range {
	if len(list) == 1 {
		return list
	}
	slices.SortFunc(list, func(a, b Range) int { return int(a.From - b.From) })
	out := list[:1]
	for _, r := range list[1:] {
		if last := &out[len(out)-1]; r.From <= last.To {
			last.To = max(last.To, r.To)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// Overlap tells whether two lists of ranges have a position in common.
func Overlap(a, b []Range) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].To <= b[0].From:
			a = a[1:]
		case b[0].To <= a[0].From:
			b = b[1:]
		default:
			return true
		}
	}
	return false
}

// Union returns the ranges of both lists.
func Union(a, b []Range) []Range { return joined(append(slices.Clone(a), b...)) }
