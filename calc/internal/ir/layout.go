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
	f.prune()
	f.splitEdges()
	f.analyze()
	placed := make([]bool, f.blocks)
	var order []*Block
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
type Range struct{ From, To int }

// Lives tells where values are needed, by their numbers.
type Lives struct {
	Order  []*Block
	Start  []int // of blocks, by ID; phis are computed there
	End    []int // of blocks, by ID; control and the arguments of phis are used there
	Pos    []int
	Ranges [][]Range
	Uses   []int // how many
}

// Live numbers the instructions of a function, in the order of its blocks, and finds
// where values are needed. Values that are folded into those that use them are
// needed nowhere, but their arguments are where those are.
func (f *Func) Live(order []*Block, folded []bool) *Lives {
	l := &Lives{
		Order: order, Start: make([]int, f.blocks), End: make([]int, f.blocks),
		Pos: make([]int, f.values), Ranges: make([][]Range, f.values), Uses: make([]int, f.values),
	}
	pos := 0
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
	type use struct {
		b   *Block
		pos int
	}
	uses := make([][]use, f.values)
	var note func(v *Value, b *Block, pos int)
	note = func(v *Value, b *Block, pos int) {
		if folded[v.ID] {
			for _, a := range v.Args {
				note(a, b, pos)
			}
			return
		}
		uses[v.ID] = append(uses[v.ID], use{b, pos})
	}
	for _, b := range order {
		for _, v := range b.Values {
			if folded[v.ID] {
				continue
			}
			for i, a := range v.Args {
				if v.Op == Phi {
					note(a, b.Preds[i], l.End[b.Preds[i].ID])
				} else {
					note(a, b, l.Pos[v.ID])
				}
			}
		}
		if b.Control != nil {
			note(b.Control, b, l.End[b.ID])
		}
	}
	to := make([]int, f.blocks)
	seen := make([]int, f.blocks)
	var touched, todo []*Block
	for _, b := range order {
		for _, v := range b.Values {
			if folded[v.ID] {
				continue
			}
			touched = touched[:0]
			l.Uses[v.ID] = len(uses[v.ID])
			reach := func(at *Block, pos int) {
				if seen[at.ID] != v.ID+1 {
					seen[at.ID], to[at.ID] = v.ID+1, pos
					touched = append(touched, at)
					if at != b {
						todo = append(todo, at.Preds...)
					}
				} else {
					to[at.ID] = max(to[at.ID], pos)
				}
			}
			reach(b, l.Pos[v.ID]+1)
			for _, u := range uses[v.ID] {
				reach(u.b, u.pos)
				for len(todo) > 0 {
					p := todo[len(todo)-1]
					todo = todo[:len(todo)-1]
					reach(p, l.End[p.ID]+2)
				}
			}
			list := make([]Range, 0, len(touched))
			for _, t := range touched {
				from := l.Start[t.ID]
				if t == b {
					from = l.Pos[v.ID]
				}
				list = append(list, Range{from, to[t.ID]})
			}
			l.Ranges[v.ID] = joined(list)
		}
	}
	return l
}

// joined sorts ranges and joins those that touch.
func joined(list []Range) []Range {
	slices.SortFunc(list, func(a, b Range) int { return a.From - b.From })
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
