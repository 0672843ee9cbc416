package native

import (
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/amd64"
	"github.com/groundwork-go/groundwork/calc/internal/ir"
)

// place is where a value is.
type place struct {
	kind placeKind
	n    int // register, or slot of the frame
}

type placeKind uint8

const (
	nowhere placeKind = iota
	inReg
	inXmm
	inSlot
)

// wordRegs and floatRegs hold values, parameters in this order.
var (
	wordRegs  = []amd64.Reg{amd64.RBX, amd64.RSI, amd64.RDI, amd64.R8, amd64.R9, amd64.R10, amd64.R11, amd64.R12, amd64.R13, amd64.RBP}
	floatRegs = []amd64.Xmm{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
)

// web is a group of values that share a place: a phi and what flows into it.
type web struct {
	ranges []ir.Range
	values []*ir.Value
	float  bool
	ref    bool
	cross  bool // a call
	param  int  // the register in which it comes, as an index; -1: none
	weight float64
	at     place
}

// allocation is where the values of a function are.
type allocation struct {
	webs  []*web // by value ID
	all   []*web
	calls []int32 // positions
	slots int
}

func (a *allocation) of(v *ir.Value) place { return a.webs[v.ID].at }

// allocate gives values registers, those first that are used most; what lives across
// a call is in the frame.
func allocate(f *ir.Func, l *ir.Lives, folded []bool, calls []int32) *allocation {
	a := &allocation{webs: make([]*web, f.NumValues()), calls: calls}
	for _, b := range l.Order {
		weight := 1.0
		for range min(b.Depth(), 6) {
			weight *= 8
		}
		for _, v := range b.Values {
			if v.Type != ir.None && !folded[v.ID] {
				a.webs[v.ID] = &web{ranges: l.Ranges[v.ID], values: []*ir.Value{v}, float: v.Type == ir.Float, ref: v.Type == ir.Ref, param: -1}
			}
		}
		for _, v := range b.Values {
			if w := a.webs[v.ID]; w != nil {
				w.weight += weight
			}
		}
	}
	// Uses count where they are.
	for _, b := range l.Order {
		weight := 1.0
		for range min(b.Depth(), 6) {
			weight *= 8
		}
		var use func(v *ir.Value)
		use = func(v *ir.Value) {
			if w := a.webs[v.ID]; w != nil {
				w.weight += weight
			} else {
				for _, x := range v.Args {
					use(x)
				}
			}
		}
		for _, v := range b.Values {
			for _, x := range v.Args {
				use(x)
			}
		}
		if b.Control != nil {
			use(b.Control)
		}
	}
	a.params(f)
	a.coalesce(l)
	a.collect()
	a.assign()
	return a
}

func (a *allocation) params(f *ir.Func) {
	words, floats := 0, 0
	for _, p := range f.Params {
		w := a.webs[p.ID]
		n := &words
		if p.Type == ir.Float {
			n = &floats
		}
		if w != nil {
			w.param = *n
		}
		*n++
	}
}

// coalesce puts phis and their arguments into one place where that can be, those of
// inner loops first.
func (a *allocation) coalesce(l *ir.Lives) {
	var phis []*ir.Value
	for _, b := range l.Order {
		phis = append(phis, b.Phis()...)
	}
	slices.SortStableFunc(phis, func(x, y *ir.Value) int { return y.Block.Depth() - x.Block.Depth() })
	for _, phi := range phis {
		for _, arg := range phi.Args {
			x, y := a.webs[phi.ID], a.webs[arg.ID]
			if y == nil || x == y || x.float != y.float || x.param >= 0 && y.param >= 0 || ir.Overlap(x.ranges, y.ranges) {
				continue
			}
			// What lives across a call is in the frame: that is not for one that does not.
			if a.crosses(x.ranges) != a.crosses(y.ranges) {
				continue
			}
			x.ranges = ir.Union(x.ranges, y.ranges)
			x.weight += y.weight
			x.ref = x.ref || y.ref
			x.param = max(x.param, y.param)
			x.values = append(x.values, y.values...)
			for _, v := range y.values {
				a.webs[v.ID] = x
			}
		}
	}
}

func (a *allocation) crosses(ranges []ir.Range) bool {
	for _, r := range ranges {
		i, _ := slices.BinarySearch(a.calls, r.From+1)
		if i < len(a.calls) && a.calls[i] < r.To {
			return true
		}
	}
	return false
}

func (a *allocation) collect() {
	seen := make(map[*web]bool)
	for _, w := range a.webs {
		if w != nil && !seen[w] {
			seen[w] = true
			w.cross = a.crosses(w.ranges)
			length := 1
			for _, r := range w.ranges {
				length += int(r.To - r.From)
			}
			w.weight /= float64(length)
			a.all = append(a.all, w)
		}
	}
}

func (a *allocation) assign() {
	order := slices.Clone(a.all)
	slices.SortStableFunc(order, func(x, y *web) int {
		switch {
		case x.weight > y.weight:
			return -1
		case x.weight < y.weight:
			return 1
		}
		return 0
	})
	words, floats := make([][]ir.Range, len(wordRegs)), make([][]ir.Range, len(floatRegs))
	for _, w := range order {
		if w.cross {
			continue
		}
		file, kind := words, inReg
		if w.float {
			file, kind = floats, inXmm
		}
		for _, i := range a.wishes(w, len(file)) {
			if ir.Overlap(file[i], w.ranges) {
				continue
			}
			file[i] = ir.Union(file[i], w.ranges)
			w.at = place{kind, i}
			break
		}
	}
	a.slot()
}

// wishes returns the registers in the order in which they are tried: where the value
// comes from, or where its first argument is, first.
func (a *allocation) wishes(w *web, n int) []int {
	var list []int
	if w.param >= 0 {
		list = append(list, w.param)
	}
	for _, v := range w.values {
		if v.Op == ir.Phi || v.Op == ir.Param {
			continue
		}
		for _, x := range v.Args {
			if y := a.webs[x.ID]; y != nil && y != w && y.float == w.float && (y.at.kind == inReg || y.at.kind == inXmm) {
				list = append(list, y.at.n)
			}
			break
		}
	}
	for i := range n {
		list = append(list, i)
	}
	return list
}

// slot gives what has no register a slot of the frame, the same one to values that
// are not needed at the same time. References have slots of their own.
func (a *allocation) slot() {
	var used [][]ir.Range
	var refs []bool
	for _, w := range a.all {
		if w.at.kind != nowhere {
			continue
		}
		found := false
		for i := range used {
			if refs[i] == w.ref && !ir.Overlap(used[i], w.ranges) {
				used[i] = ir.Union(used[i], w.ranges)
				w.at = place{inSlot, i}
				found = true
				break
			}
		}
		if !found {
			w.at = place{inSlot, len(used)}
			used = append(used, slices.Clone(w.ranges))
			refs = append(refs, w.ref)
		}
	}
	a.slots = len(used)
}

// refsAcross returns the slots of references that live across a call.
func (a *allocation) refsAcross(pos int32) []int {
	var list []int
	for _, w := range a.all {
		if !w.ref || w.at.kind != inSlot {
			continue
		}
		for _, r := range w.ranges {
			if r.From < pos && pos < r.To {
				list = append(list, w.at.n)
				break
			}
		}
	}
	return list
}
