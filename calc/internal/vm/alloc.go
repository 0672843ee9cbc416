package vm

import (
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
)

// Registers are windows of two stacks, one of words and one of references. Word 0
// of a window is where the caller goes on; word parameters follow, reference
// parameters begin at reference 0. What a call is given lies behind the caller's
// own registers, where the window of the callee begins.

// out marks registers of the window of the next call until its place is known.
const out = 1 << 20

// web is a group of values that share a register: a phi and what flows into it.
type web struct {
	ranges      []ir.Range
	reg         int32 // -1: none yet
	ref, gone   bool  // gone into another
	first, last int32 // the IDs of values of it, between which others are linked in allocator.next
}

// registers gives each value of a function its register.
type registers struct {
	reg         []int32 // by value ID
	words, refs int     // registers of the function
}

func allocate(f *ir.Func, l *ir.Lives, folded []bool) registers {
	n, webs := f.NumValues(), 0
	for _, ranges := range l.Ranges {
		if ranges != nil {
			webs++
		}
	}
	ints := make([]int32, 2*n)
	a := &allocator{lives: l, folded: folded, webs: make([]*web, n), list: make([]web, 0, webs), next: ints[n:]}
	a.params(f)
	for _, b := range l.Order {
		for _, v := range b.Values {
			if v.Type != ir.None && !folded[v.ID] && a.webs[v.ID] == nil {
				a.add(v, -1)
			}
		}
	}
	a.coalesce()
	a.arguments()
	r := registers{reg: ints[:n:n]}
	r.words, r.refs = a.color()
	for i, w := range a.webs {
		if w != nil {
			r.reg[i] = w.reg
		}
	}
	return r
}

type allocator struct {
	lives  *ir.Lives
	folded []bool
	webs   []*web // by value ID
	list   []web
	next   []int32 // by value ID: the next value of the web, if it is not the last
}

func (a *allocator) add(v *ir.Value, reg int32) {
	id := int32(v.ID)
	a.list = append(a.list, web{ranges: a.lives.Ranges[id], reg: reg, ref: v.Type == ir.Ref, first: id, last: id})
	a.webs[v.ID] = &a.list[len(a.list)-1] // there is room for all: it does not move
}

// params puts the parameters where the caller has left them.
func (a *allocator) params(f *ir.Func) {
	words, refs := int32(1), int32(0)
	for _, p := range f.Params {
		if p.Type == ir.Ref {
			a.add(p, refs)
			refs++
		} else {
			a.add(p, words)
			words++
		}
	}
}

// coalesce puts phis and their arguments into one register where they do not need
// to be there at the same time, those of inner loops first.
func (a *allocator) coalesce() {
	var few [16]*ir.Value
	phis := few[:0]
	for _, b := range a.lives.Order {
		phis = append(phis, b.Phis()...)
	}
	slices.SortStableFunc(phis, func(x, y *ir.Value) int { return y.Block.Depth() - x.Block.Depth() })
	for _, phi := range phis {
		for _, arg := range phi.Args {
			if a.folded[arg.ID] {
				continue
			}
			x, y := a.webs[phi.ID], a.webs[arg.ID]
			if x == y || x.reg >= 0 && y.reg >= 0 || ir.Overlap(x.ranges, y.ranges) {
				continue
			}
			x.ranges = ir.Union(x.ranges, y.ranges)
			x.reg = max(x.reg, y.reg)
			for id := y.first; ; id = a.next[id] {
				a.webs[id] = x
				if id == y.last {
					break
				}
			}
			a.next[x.last], x.last = y.first, y.last
			y.gone = true
		}
	}
}

// arguments computes what only a call needs where the call wants it, if nothing
// else is called before.
func (a *allocator) arguments() {
	for _, b := range a.lives.Order {
		last := a.lives.Start[b.ID] // the call before
		for _, v := range b.Values {
			if v.Op != ir.Call && v.Op != ir.CallValue {
				continue
			}
			words, refs := int32(1), int32(0)
			for _, arg := range v.Args {
				slot := &words
				if arg.Type == ir.Ref {
					slot = &refs
				}
				w := a.webs[arg.ID]
				if !a.folded[arg.ID] && w.reg < 0 && arg.Op != ir.Phi && a.lives.Uses[arg.ID] == 1 && arg.Block == b &&
					a.lives.Pos[arg.ID] >= last && len(w.ranges) == 1 && w.ranges[0].To == a.lives.Pos[v.ID] && !(v.Op == ir.CallValue && arg == v.Args[len(v.Args)-1]) {
					w.reg = out + *slot
				}
				*slot++
			}
			last = a.lives.Pos[v.ID]
		}
	}
}

// color gives the webs registers, the first that is free.
func (a *allocator) color() (words, refs int) {
	list := make([]*web, 0, len(a.list))
	for i := range a.list {
		if w := &a.list[i]; !w.gone {
			list = append(list, w)
		}
	}
	slices.SortStableFunc(list, func(x, y *web) int { return int(x.ranges[0].From - y.ranges[0].From) })
	wordFile, refFile := file{first: 1}, file{}
	for _, w := range list { // parameters first: others must not take their places
		if w.reg >= 0 && w.reg < out {
			if w.ref {
				refFile.take(int(w.reg), w.ranges)
			} else {
				wordFile.take(int(w.reg), w.ranges)
			}
		}
	}
	for _, w := range list {
		if w.reg < 0 {
			if w.ref {
				w.reg = int32(refFile.find(w.ranges))
			} else {
				w.reg = int32(wordFile.find(w.ranges))
			}
		}
	}
	return max(len(wordFile.used), 1), len(refFile.used)
}

// file is a set of registers with the ranges in which they are taken.
type file struct {
	first int
	used  [][]ir.Range
}

// room is how many registers a file has room for at first.
const room = 8

func (f *file) take(reg int, ranges []ir.Range) {
	if f.used == nil {
		f.used = make([][]ir.Range, 0, room)
	}
	for len(f.used) <= reg {
		f.used = append(f.used, nil)
	}
	u := f.used[reg]
	switch {
	case len(u) == 0:
		f.used[reg] = ranges[:len(ranges):len(ranges)] // shared: what is added is elsewhere
		return
	case u[len(u)-1].To <= ranges[0].From:
		f.used[reg] = append(u, ranges...)
		return
	}
	f.used[reg] = ir.Union(u, ranges)
}

// many is the number of registers from which on holes are not looked for.
const many = 100

// find takes the first register that is free. It is asked in the order of the
// ranges' starts, so that what lies before can be forgotten.
func (f *file) find(ranges []ir.Range) int {
	from := ranges[0].From
	for reg := f.first; reg < len(f.used); reg++ {
		u := f.used[reg]
		for len(u) > 0 && u[0].To <= from {
			u = u[1:]
		}
		f.used[reg] = u
		if len(u) == 0 || len(f.used) < many && !ir.Overlap(u, ranges) {
			f.take(reg, ranges)
			return reg
		}
	}
	reg := max(len(f.used), f.first)
	f.take(reg, ranges)
	return reg
}
